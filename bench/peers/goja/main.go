// Events for a callback in Goja, each a call of its own: from a loop in Go, or from Watermill, message by message with acks.
// Or calls of a function of the host that answers by a promise, from another goroutine: one after the other, or 100 at a
// time. Prints how many there were in a second.
//
//	goja alone|watermill|ops|ops-at-once <count>
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/dop251/goja"
)

const topic = "step.1"

type event struct {
	Type  string `json:"type"`
	Delta string `json:"delta"`
	Seq   int    `json:"seq"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// callback gives a function that hands an event to the script, and one that tells how many the script has seen.
func callback() (func(event), func() int64) {
	vm := goja.New()
	vm.SetFieldNameMapper(goja.TagFieldNameMapper("json", true))
	_, err := vm.RunString(`let seen = 0; function onEvent({ type, delta }) { if (type === "partial" && delta) seen++; }`)
	must(err)
	call, ok := goja.AssertFunction(vm.Get("onEvent"))
	if !ok {
		panic("onEvent is no function")
	}
	hand := func(e event) {
		_, err := call(goja.Undefined(), vm.ToValue(e))
		must(err)
	}
	seen := func() int64 {
		value, err := vm.RunString("seen")
		must(err)
		return value.ToInteger()
	}
	return hand, seen
}

func eventOf(i int) event {
	return event{Type: "partial", Delta: fmt.Sprintf("word%d ", i%100), Seq: i}
}

func alone(count int) int64 {
	hand, seen := callback()
	for i := 0; i < count; i++ {
		hand(eventOf(i))
	}
	return seen()
}

// overWatermill publishes each event when the script has taken the one before: only then is that acked.
func overWatermill(count int) int64 {
	config := gochannel.Config{BlockPublishUntilSubscriberAck: true}
	bus := gochannel.NewGoChannel(config, watermill.NopLogger{})
	messages, err := bus.Subscribe(context.Background(), topic)
	must(err)
	// The script lives in one goroutine, which does what the others ask of it.
	loop := make(chan func())
	hand, seen := callback()
	go func() {
		for work := range loop {
			work()
		}
	}()
	go func() {
		for received := range messages {
			var e event
			must(json.Unmarshal(received.Payload, &e))
			done := make(chan struct{})
			loop <- func() {
				hand(e)
				close(done)
			}
			<-done
			received.Ack()
		}
	}()
	for i := 0; i < count; i++ {
		payload, err := json.Marshal(eventOf(i))
		must(err)
		must(bus.Publish(topic, message.NewMessage(strconv.Itoa(i), payload)))
	}
	total := make(chan int64)
	loop <- func() { total <- seen() }
	return <-total
}

// ops runs a script that calls the host, in a loop that settles its promises one after the other.
func ops(code string) func(int) int64 {
	return func(count int) int64 {
		vm := goja.New()
		loop := make(chan func(), 100)
		end := make(chan int64, 1)
		must(vm.Set("later", func(n int64) *goja.Promise {
			promise, resolve, _ := vm.NewPromise()
			go func() { loop <- func() { must(resolve(n)) } }()
			return promise
		}))
		must(vm.Set("done", func(n int64) { end <- n }))
		must(vm.Set("count", count))
		_, err := vm.RunString(code)
		must(err)
		for {
			select {
			case work := <-loop:
				work()
			case n := <-end:
				return n
			}
		}
	}
}

const oneByOne = `(async () => { let n = 0; while (n < count) { await later(n); n++; } done(n); })()`
const atOnce = `(async () => {
	let n = 0;
	for (; n < count; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => later(i)));
	done(n);
})()`

func main() {
	count, err := strconv.Atoi(os.Args[2])
	must(err)
	run := map[string]func(int) int64{
		"alone":       alone,
		"watermill":   overWatermill,
		"ops":         ops(oneByOne),
		"ops-at-once": ops(atOnce),
	}[os.Args[1]]
	startedAt := time.Now()
	if seen := run(count); seen != int64(count) {
		panic(fmt.Sprintf("%d of them", seen))
	}
	fmt.Printf("%.0f\n", float64(count)/time.Since(startedAt).Seconds())
}
