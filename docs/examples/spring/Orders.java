package orders;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.CookieValue;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Orders: publishes what changes over the broker's local socket, and is asked who may listen. */
@RestController
public class Orders {
  private final Broker broker;
  private final Map<String, Map<String, Object>> orders = new ConcurrentHashMap<>(); // a database

  public Orders(Broker broker) {
    this.broker = broker;
  }

  @PutMapping("/orders/{number}")
  public Map<String, String> change(@PathVariable("number") String number, @RequestBody Map<String, Object> order)
      throws IOException {
    order.put("number", number);
    orders.put(number, order); // first the database, then the event
    String key = "order-" + number + "-" + order.get("version");
    return Map.of("id", broker.publish("orders/" + number, "changed", key, order));
  }

  /** What a page shows first. The position is read before the state, so that no change falls between the two. */
  @GetMapping("/orders")
  public Map<String, Object> state() throws IOException {
    String position = broker.position();
    return Map.of("position", position, "orders", List.copyOf(orders.values()));
  }

  /** The broker asks: who is it, and what may they listen to? */
  @GetMapping("/orders/stream")
  public ResponseEntity<String> stream(@CookieValue(name = "session", required = false) String session) {
    if (!"ann".equals(session)) return ResponseEntity.status(HttpStatus.UNAUTHORIZED).body("sign in first\n");
    return ResponseEntity.ok().header("Fanfare-Channels", "orders/*").build();
  }

  @ExceptionHandler(IOException.class)
  public ResponseEntity<String> away(IOException why) {
    return ResponseEntity.status(HttpStatus.SERVICE_UNAVAILABLE).body(why.getMessage());
  }
}
