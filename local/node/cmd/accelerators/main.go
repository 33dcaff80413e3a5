// Accelerators is a device plugin for accelerators that are not there: the
// kubelet counts, assigns and remembers them as it does a vendor's, and a
// container reads in COMMONPOOL_ACCELERATORS which ones are its own.
//
// It ends when the kubelet does; whoever runs it starts it again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	variable        = "COMMONPOOL_ACCELERATORS"
	registerTimeout = 30 * time.Second
	retryEvery      = 200 * time.Millisecond
)

type plugin struct {
	api.UnimplementedDevicePluginServer
	count int
	over  chan<- error
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *plugin) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	devices := make([]*api.Device, p.count)
	for number := range devices {
		devices[number] = &api.Device{ID: strconv.Itoa(number), Health: api.Healthy}
	}
	if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	p.over <- errors.New("the kubelet is gone")
	return nil
}

func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	answer := &api.AllocateResponse{}
	for _, container := range request.GetContainerRequests() {
		devices := strings.Join(container.GetDevicesIds(), ",")
		answer.ContainerResponses = append(answer.ContainerResponses, &api.ContainerAllocateResponse{Envs: map[string]string{variable: devices}})
	}
	return answer, nil
}

func main() {
	resource := flag.String("resource", "nvidia.com/gpu", "name of the extended resource")
	count := flag.Int("count", 8, "so many of it the node has")
	folder := flag.String("folder", api.DevicePluginPath, "where the kubelet's socket is")
	flag.Parse()
	log.Fatal(run(*resource, *count, *folder))
}

// run serves until the kubelet ends; it always returns a reason. A kubelet that
// starts removes all sockets it finds before it makes its own, so ours comes after.
func run(resource string, count int, folder string) error {
	kubelet, err := reach(filepath.Join(folder, filepath.Base(api.KubeletSocket)))
	if err != nil {
		return err
	}
	defer func() { _ = kubelet.Close() }()
	endpoint := strings.ReplaceAll(resource, "/", "-") + ".sock"
	socket := filepath.Join(folder, endpoint)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	over := make(chan error, 2)
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, &plugin{count: count, over: over})
	go func() { over <- server.Serve(listener) }()
	ctx, cancel := context.WithTimeout(context.Background(), registerTimeout)
	defer cancel()
	request := &api.RegisterRequest{Version: api.Version, Endpoint: endpoint, ResourceName: resource}
	if _, err := api.NewRegistrationClient(kubelet).Register(ctx, request); err != nil {
		return fmt.Errorf("the kubelet does not take us: %w", err)
	}
	log.Printf("%d %s", count, resource)
	return <-over
}

// reach waits, for as long as it takes, until the kubelet answers.
func reach(socket string) (*grpc.ClientConn, error) {
	connection, err := grpc.NewClient(
		"unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: retryEvery, Multiplier: 1, MaxDelay: retryEvery}}),
	)
	if err != nil {
		return nil, err
	}
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		connection.Connect()
		connection.WaitForStateChange(context.Background(), state)
	}
	return connection, nil
}
