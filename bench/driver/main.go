// Command driver makes the load of one benchmark run and exits when all of it
// is made. What to make it reads from stdin, as JSON; how that went is in the
// apiserver's audit log.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// order is what one run shall make.
type order struct {
	// Mode is one of the names in modes.
	Mode string `json:"mode"`
	// Kubeconfig is of the one who makes and binds pods, UserKubeconfig of the
	// tenant's user who makes Jobs.
	Kubeconfig     string `json:"kubeconfig"`
	UserKubeconfig string `json:"userKubeconfig"`
	Namespace      string `json:"namespace"`
	SchedulerName  string `json:"schedulerName"`
	Gangs          int    `json:"gangs"`
	Size           int    `json:"size"`
	Workers        int    `json:"workers"`
	// Nodes are bound to in this order, PerNode pods each.
	Nodes   []string `json:"nodes"`
	PerNode int      `json:"perNode"`
	// Pods are made in this order, one after the other, in mode trace.
	Pods []tracedPod `json:"pods"`
	// PriorityClass is that of these pods.
	PriorityClass string `json:"priorityClass"`
}

// modes are the kinds of load. Each returns when its last request is answered.
var modes = map[string]func(context.Context, *driver) error{
	"warm":    warm,
	"try":     tryJob,
	"ceiling": makeAndBind,
	"pods":    makePods,
	"jobs":    makeJobs,
	"gangs":   makeGangs,
	"writes":  writeAll,
	"trace":   makeTraced,
}

type driver struct {
	order

	own, user kubernetes.Interface
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	d := &driver{}
	if err := json.NewDecoder(os.Stdin).Decode(&d.order); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	mode, known := modes[d.Mode]
	if !known {
		return fmt.Errorf("there is no mode `%s`", d.Mode)
	}
	var err error
	if d.own, err = connect(d.Kubeconfig); err != nil {
		return err
	}
	if d.user, err = connect(d.UserKubeconfig); err != nil {
		return err
	}
	return mode(ctx, d)
}

// connect speaks protobuf and does not throttle itself.
func connect(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read `%s`: %w", kubeconfig, err)
	}
	config.QPS = -1
	config.UserAgent = "bench-driver"
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.WarningHandler = rest.NoWarnings{}
	return kubernetes.NewForConfig(config)
}
