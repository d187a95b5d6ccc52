//go:build integration

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// sender is this test program as it runs inside a lab: it sends from a port of
// its choice, which no program that is everywhere does.
//
//	send udp FROM-PORT TO COUNT  datagrams, each of which is answered
//	send tcp FROM-PORT TO COUNT  connections one after the other, with a GET in each
//	send echo ON                 answers datagrams until it is killed
func sender(args []string) int {
	if err := send(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func send(args []string) error {
	if len(args) == 2 && args[0] == "echo" {
		return echo(args[1])
	}
	if len(args) != 4 {
		return fmt.Errorf("what is to be sent? %q", args)
	}
	port, err1 := strconv.Atoi(args[1])
	count, err2 := strconv.Atoi(args[3])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if args[0] == "udp" {
		return datagrams(port, args[2], count)
	}
	for i := range count {
		if err := get(port+i, args[2]); err != nil {
			return err
		}
	}
	return nil
}

func echo(on string) error {
	c, err := net.ListenPacket("udp", on)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		if _, err := c.WriteTo(buf[:n], from); err != nil {
			return err
		}
	}
}

func datagrams(port int, to string, count int) error {
	d := net.Dialer{LocalAddr: &net.UDPAddr{Port: port}}
	c, err := d.Dial("udp", to)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	buf := make([]byte, 2048)
	for i := range count {
		if _, err := fmt.Fprintf(c, "question %d of %d from port %d", i, count, port); err != nil {
			return err
		}
		if _, err := c.Read(buf); err != nil {
			return err
		}
	}
	return nil
}

func get(port int, to string) error {
	d := net.Dialer{LocalAddr: &net.TCPAddr{Port: port}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", to)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", to)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}
