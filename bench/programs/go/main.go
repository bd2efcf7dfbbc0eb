// The official Go SDK under load, as in bench/programs/cloudcal.lua:
//
//	go-sdk BASE_URL CA_FILE AT_ONCE WARM CALLS
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	lark "github.com/larksuite/oapi-sdk-go/v3"
	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larkcalendar "github.com/larksuite/oapi-sdk-go/v3/service/calendar/v4"
)

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// Go's default keeps two idle connections, which would make every other call
// of many at once connect anew.
func httpClient(caFile string, atOnce int64) *http.Client {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	transport.MaxIdleConns = int(atOnce)
	transport.MaxIdleConnsPerHost = int(atOnce)
	return &http.Client{Transport: transport}
}

func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func main() {
	atOnce, warm, calls := number(os.Args[3]), number(os.Args[4]), number(os.Args[5])
	client := lark.NewClient("cli_bench", "bench", lark.WithOpenBaseUrl(os.Args[1]),
		lark.WithHttpClient(httpClient(os.Args[2], atOnce)))
	request := larkcalendar.NewPrimaryCalendarReqBuilder().Build()
	token := larkcore.WithTenantAccessToken("t-bench")
	var begun, done, failed atomic.Int64

	call := func() {
		answer, err := client.Calendar.Calendar.Primary(context.Background(), request, token)
		if err != nil || !answer.Success() || len(answer.Data.Calendars) != 1 ||
			*answer.Data.Calendars[0].Calendar.CalendarId == "" {
			failed.Add(1)
		}
		if done.Add(1) == 1 {
			fmt.Println("first")
		}
	}
	run := func(total int64) {
		var all sync.WaitGroup
		for i := int64(0); i < atOnce; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for begun.Add(1) <= total {
					call()
				}
			}()
		}
		all.Wait()
		begun.Store(total)
	}

	run(warm)
	began, used := time.Now(), cpu()
	run(warm + calls)
	fmt.Printf("steady %d %.6f %.6f %d\n", calls, time.Since(began).Seconds(), cpu()-used,
		failed.Load())
	if failed.Load() > 0 {
		os.Exit(1)
	}
}
