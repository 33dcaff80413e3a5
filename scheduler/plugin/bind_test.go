package plugin

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// slowBinder binds when it is told to.
type slowBinder struct {
	fwk.BindPlugin

	answer chan struct{}
	mu     sync.Mutex
	now    int
}

func (b *slowBinder) Bind(context.Context, fwk.CycleState, *v1.Pod, string) *fwk.Status {
	b.mu.Lock()
	b.now++
	b.mu.Unlock()
	<-b.answer
	return nil
}

func TestOnlySoManyPodsAreBoundAtOnceAndAllInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowBinder{answer: make(chan struct{})}
		e := &enforcer{binder: boundedBinder{slow, make(chan struct{}, 3)}}
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if status := e.Bind(t.Context(), nil, nil, "gpu-1"); !status.IsSuccess() {
					t.Error(status)
				}
			})
		}
		synctest.Wait()
		if slow.now != 3 {
			t.Errorf("%d at once, want 3", slow.now)
		}
		stopped, stop := context.WithCancelCause(t.Context())
		stop(errors.New("the scheduler stops"))
		if status := e.Bind(stopped, nil, nil, "gpu-1"); status.IsSuccess() || status.Message() != "the scheduler stops" {
			t.Errorf("waits for its turn although %v", status)
		}
		close(slow.answer)
		group.Wait()
		if slow.now != 10 {
			t.Errorf("%d bound, want 10", slow.now)
		}
	})
}
