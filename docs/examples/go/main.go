// Orders, with Go's standard library. It publishes what changes over the broker's local socket, and is asked who may
// listen.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
)

// Broker speaks HTTP over the broker's local socket; connections are kept and shared.
type Broker struct{ client http.Client }

func NewBroker(socket string) *Broker {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &Broker{http.Client{Transport: &http.Transport{DialContext: dial}}}
}

func (b *Broker) ask(method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, "http://fanfare"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// With this field, Go sends the request again if a kept connection turns out to be closed. The broker has the key.
	request.Header["X-Idempotency-Key"] = nil
	answer, err := b.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the broker answered %s: %s", answer.Status, text)
	}
	return text, err
}

// Publish returns the id of the event. The same key on the same channel is published once.
func (b *Broker) Publish(channel, event, key string, data any) (string, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return "", err
	}
	query := url.Values{"event": {event}, "id": {key}}
	text, err := b.ask("POST", "/publish/"+channel+"?"+query.Encode(), body)
	if err != nil {
		return "", err
	}
	var reply struct{ ID string }
	err = json.Unmarshal(text, &reply)
	return reply.ID, err
}

// Position is the id of now.
func (b *Broker) Position() (string, error) {
	text, err := b.ask("GET", "/position", nil)
	if err != nil {
		return "", err
	}
	var reply struct{ Position string }
	err = json.Unmarshal(text, &reply)
	return reply.Position, err
}

type Order map[string]any

// Orders is the application; the map stands for a database.
type Orders struct {
	broker *Broker
	mutex  sync.Mutex
	orders map[string]Order
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

// PUT /orders/NUMBER
func (o *Orders) change(w http.ResponseWriter, r *http.Request) {
	number := strings.TrimPrefix(r.URL.Path, "/orders/")
	var order Order
	if r.Method != http.MethodPut || json.NewDecoder(r.Body).Decode(&order) != nil {
		http.Error(w, "PUT an order, as JSON", http.StatusBadRequest)
		return
	}
	order["number"] = number
	o.mutex.Lock()
	o.orders[number] = order // first the database, then the event
	o.mutex.Unlock()
	id, err := o.broker.Publish("orders/"+number, "changed", fmt.Sprintf("order-%s-%v", number, order["version"]), order)
	answer(w, map[string]string{"id": id}, err)
}

// GET /orders: what a page shows first. The position is read before the state, so that no change falls between the two.
func (o *Orders) state(w http.ResponseWriter, r *http.Request) {
	position, err := o.broker.Position()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	orders := []Order{}
	for _, order := range o.orders {
		orders = append(orders, order)
	}
	answer(w, map[string]any{"position": position, "orders": orders}, err)
}

// GET /orders/stream: the broker asks who it is, and what they may listen to.
func (o *Orders) stream(w http.ResponseWriter, r *http.Request) {
	if session, err := r.Cookie("session"); err != nil || session.Value != "ann" {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Fanfare-Channels", "orders/*")
}

func or(value, other string) string {
	if value == "" {
		return other
	}
	return value
}

func main() {
	orders := &Orders{broker: NewBroker(or(os.Getenv("FANFARE_SOCKET"), "/run/fanfare/ingest.sock")), orders: map[string]Order{}}
	http.HandleFunc("/orders/", orders.change)
	http.HandleFunc("/orders", orders.state)
	http.HandleFunc("/orders/stream", orders.stream)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+or(os.Getenv("PORT"), "3000"), nil))
}
