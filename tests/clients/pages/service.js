// SSEService: one stream at a time. The last message of an answer carries status 1; the end that follows it
// is not an error.
export default class SSEService {
  constructor() {
    this.eventSource = null;
    this.isClosing = false;
  }

  connect(url, options = {}) {
    if (this.eventSource) this.disconnect();
    this.eventSource = new EventSource(url);
    this.eventSource.onopen = () => {
      this.isClosing = false;
      options.onOpen?.();
    };
    this.eventSource.onmessage = (event) => {
      try {
        const data = JSON.parse(event.data);
        options.onMessage?.(data);
        if (data.status === 1) {
          this.isClosing = true;
          this.disconnect();
        }
      } catch (error) {
        options.onUnreadable?.(error);
      }
    };
    this.eventSource.onerror = (error) => {
      if (this.isClosing) return;
      options.onError?.(error);
      this.disconnect();
    };
  }

  disconnect() {
    if (!this.eventSource) return;
    this.eventSource.close();
    this.eventSource = null;
  }
}
