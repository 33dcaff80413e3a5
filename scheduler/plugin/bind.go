package plugin

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultbinder"
)

// bindingsInFlight bounds what a large Round throws at the apiserver at once. The
// scheduler binds each pod in a goroutine of its own; thousands together exceed
// what an apiserver takes (200 writes from everybody, by default), and each
// refusal costs its pod a second. It is busy all the same with this many.
const bindingsInFlight = 64

// boundedBinder binds as the scheduler's own binder does, so many at a time.
type boundedBinder struct {
	fwk.BindPlugin

	slots chan struct{}
}

var _ fwk.BindPlugin = (*enforcer)(nil)

func newBoundedBinder(ctx context.Context, handle fwk.Handle) (boundedBinder, error) {
	plugin, err := defaultbinder.New(ctx, runtime.Object(nil), handle)
	if err != nil {
		return boundedBinder{}, err
	}
	binder, ok := plugin.(fwk.BindPlugin)
	if !ok {
		return boundedBinder{}, fmt.Errorf("%s does not bind", plugin.Name())
	}
	return boundedBinder{binder, make(chan struct{}, bindingsInFlight)}, nil
}

func (b *boundedBinder) bind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
		return b.Bind(ctx, state, pod, node)
	case <-ctx.Done():
		return fwk.AsStatus(context.Cause(ctx))
	}
}

// Bind waits for its turn.
func (e *enforcer) Bind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	return e.binder.bind(ctx, state, pod, node)
}
