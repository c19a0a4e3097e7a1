package orders;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.springframework.stereotype.Component;

/** Fanfare's local socket, in JSON lines: Java's HTTP client does not speak over Unix sockets, and this needs no library. */
@Component
public class Broker {
  private final UnixDomainSocketAddress address = UnixDomainSocketAddress.of(
      System.getenv().getOrDefault("FANFARE_SOCKET", "/run/fanfare/ingest.sock"));
  private final ObjectMapper json = new ObjectMapper();
  private SocketChannel channel;
  private BufferedReader replies;

  /** The id of the event. The same key on the same channel is published once. */
  public String publish(String channel, String event, String key, Object data) throws IOException {
    return ask(Map.of("channel", channel, "event", event, "id", key, "data", data)).get("id").asText();
  }

  /** The id of now. */
  public String position() throws IOException {
    return ask(Map.of("op", "info")).get("position").asText();
  }

  /** Once more if the connection turns out to be closed; what is published has a key. */
  private synchronized JsonNode ask(Map<String, Object> request) throws IOException {
    byte[] line = (json.writeValueAsString(request) + "\n").getBytes(StandardCharsets.UTF_8);
    JsonNode reply;
    try {
      reply = askOnce(line);
    } catch (IOException closed) {
      close();
      reply = askOnce(line);
    }
    if (!reply.path("ok").asBoolean()) throw new IOException("the broker refused: " + reply.path("error").asText());
    return reply;
  }

  private JsonNode askOnce(byte[] line) throws IOException {
    if (channel == null) {
      channel = SocketChannel.open(address);
      replies = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
    }
    for (ByteBuffer rest = ByteBuffer.wrap(line); rest.hasRemaining();) channel.write(rest);
    String reply = replies.readLine();
    if (reply == null) throw new IOException("the broker went away");
    return json.readTree(reply);
  }

  private void close() throws IOException {
    if (channel != null) channel.close();
    channel = null;
  }
}
