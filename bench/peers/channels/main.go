// Elements through ten goroutines that hand on what they get, over channels: go run main.go <elements>.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

type element struct {
	kind string
	text string
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	begin := time.Now()
	source := make(chan element, 16)
	go func() {
		for i := 0; i < count; i++ {
			source <- element{"text", "element"}
		}
		close(source)
	}()
	last := source
	for stage := 0; stage < 10; stage++ {
		next := make(chan element, 16)
		go func(in <-chan element, out chan<- element) {
			for one := range in {
				out <- one
			}
			close(out)
		}(last, next)
		last = next
	}
	seen := 0
	for range last {
		seen++
	}
	fmt.Println(float64(seen) / time.Since(begin).Seconds())
}
