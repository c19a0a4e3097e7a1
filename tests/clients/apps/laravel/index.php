<?php
// What `laravel new` makes, as small as it can be, around docs/examples/laravel/api.php: Debian has the framework, and
// no skeleton. FANFARE_SOCKET=... FOLDER=... php -S 127.0.0.1:PORT index.php
error_reporting(E_ALL & ~E_DEPRECATED); // Laravel 8, newer PHP
require 'Illuminate/autoload.php';

use Illuminate\Config\Repository;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Foundation\Http\Kernel;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Facade;

$app = new Application(getenv('FOLDER'));
$app->instance('env', 'local');
$app->instance('config', new Repository([
    'app' => ['debug' => true, 'key' => str_repeat('k', 32), 'cipher' => 'AES-256-CBC', 'locale' => 'en'],
    'cache' => ['default' => 'file', 'stores' => ['file' => ['driver' => 'file', 'path' => getenv('FOLDER')]], 'prefix' => ''],
    'database' => ['redis' => [
        'client' => 'phpredis',
        'fanfare' => ['host' => getenv('FANFARE_SOCKET'), 'port' => 0],
    ]],
    'view' => ['paths' => [], 'compiled' => getenv('FOLDER')],
    'logging' => ['default' => 'stderr', 'channels' => [
        'stderr' => ['driver' => 'monolog', 'handler' => Monolog\Handler\StreamHandler::class, 'with' => ['stream' => 'php://stderr']],
    ]],
]));
$app->singleton(ExceptionHandler::class, Handler::class);
Facade::setFacadeApplication($app);
foreach (['Cache\CacheServiceProvider', 'Filesystem\FilesystemServiceProvider', 'Redis\RedisServiceProvider',
    'View\ViewServiceProvider', 'Translation\TranslationServiceProvider'] as $provider) {
    $app->register("Illuminate\\$provider");
}
$kernel = new class($app, $app['router']) extends Kernel {
    protected $bootstrappers = [Bootstrap\HandleExceptions::class, Bootstrap\BootProviders::class];
};
$app['router']->group([], dirname(__DIR__, 4) . '/docs/examples/laravel/api.php');
$request = Request::capture();
$request->headers->set('Accept', 'application/json'); // errors as JSON, as an API has them
$kernel->handle($request)->send();
