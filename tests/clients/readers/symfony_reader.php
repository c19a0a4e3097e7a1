<?php
// A subscriber with Symfony's HttpClient: php symfony_reader.php URL. Prints EVENT:DATA a line.
//
// Without PHP's curl extension an end in mid-stream looks like a clean one: whatever the end, ask again, until the
// answer is 204.

require 'Symfony/Component/HttpClient/autoload.php';

use Symfony\Component\HttpClient\Chunk\ServerSentEvent;
use Symfony\Component\HttpClient\EventSourceHttpClient;
use Symfony\Component\HttpClient\HttpClient;
use Symfony\Contracts\HttpClient\Exception\TransportExceptionInterface;

$client = new EventSourceHttpClient(HttpClient::create(['timeout' => 30]), 1.0);
for ($id = null; ; usleep(1_000_000)) {
    try {
        $source = $client->connect($argv[1], $id ? ['headers' => ['Last-Event-ID' => $id]] : []);
        if ($source->getStatusCode() === 204) {
            exit(0); // the channel is finished
        }
        $id ??= $source->getHeaders()['last-event-id'][0]; // until an event brings an id of its own
        foreach ($client->stream($source) as $chunk) {
            if ($chunk->isTimeout() || !$chunk instanceof ServerSentEvent) {
                continue;
            }
            $id = $chunk->getId() ?: $id;
            if ($chunk->getData() !== '') {
                echo $chunk->getType(), ':', $chunk->getData(), "\n";
            }
        }
    } catch (TransportExceptionInterface) {
        // cut: again
    }
}
