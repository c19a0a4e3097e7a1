package orders;

import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.mvc.method.annotation.ExceptionHandlerExceptionResolver;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.http.converter.json.MappingJackson2HttpMessageConverter;

/** What Spring Boot does around docs/examples/spring: Debian has Spring's libraries and Jetty, and no Boot. */
class Main {
  public static void main(String[] args) throws Exception {
    AnnotationConfigWebApplicationContext context = new AnnotationConfigWebApplicationContext();
    context.register(Broker.class, Orders.class, RequestMappingHandlerMapping.class, Adapter.class,
        ExceptionHandlerExceptionResolver.class);
    Server server = new Server(Integer.parseInt(System.getenv("PORT")));
    ServletContextHandler handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(new DispatcherServlet(context)), "/");
    server.setHandler(handler);
    server.start();
    System.out.println("http://127.0.0.1:" + server.getURI().getPort());
  }

  static class Adapter extends RequestMappingHandlerAdapter {
    Adapter() {
      getMessageConverters().add(new MappingJackson2HttpMessageConverter());
    }
  }
}
