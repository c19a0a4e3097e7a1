<?php
// Orders, with Laravel: these are routes (routes/api.php). It publishes what changes over the broker's local socket,
// with the Redis client that Laravel has, and is asked who may listen. config/database.php:
//   'redis' => [
//     'client' => 'phpredis',
//     'fanfare' => ['host' => env('FANFARE_SOCKET', '/run/fanfare/ingest.sock'), 'port' => 0],
//   ],

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Cache;
use Illuminate\Support\Facades\Redis;
use Illuminate\Support\Facades\Route;

Route::put('/orders/{number}', function (Request $request, string $number) {
    $order = ['number' => $number] + $request->json()->all();
    $orders = Cache::get('orders', []); // a database
    // Redis's commands have no place for a key. So the application knows itself which version it has published.
    if (($orders[$number]['version'] ?? 0) >= $order['version']) {
        return ['id' => $orders[$number]['id']];
    }
    $event = ['event', 'changed', 'data', json_encode($order, JSON_UNESCAPED_UNICODE)];
    $order['id'] = Redis::connection('fanfare')->executeRaw(['XADD', "orders/$number", '*', ...$event]);
    abort_unless($order['id'], 503, 'the broker refused');
    Cache::forever('orders', [$number => $order] + $orders);
    return ['id' => $order['id']];
});

// What a page shows first. The position is read before the state, so that no change falls between the two.
Route::get('/orders', function () {
    $info = Redis::connection('fanfare')->executeRaw(['INFO']);
    preg_match('/^position:(\S+)/m', $info, $position);
    return ['position' => $position[1], 'orders' => array_values(Cache::get('orders', []))];
});

// The broker asks: who is it, and what may they listen to?
Route::get('/orders/stream', function (Request $request) {
    abort_unless($request->cookies->get('session') === 'ann', 401, 'sign in first');
    return response('')->header('Fanfare-Channels', 'orders/*');
});
