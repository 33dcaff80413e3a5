package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// roundsTimeout is how long the scheduler waits for the Rounds when it starts.
const roundsTimeout = time.Minute

// watch starts to fill the index and opens it once it has all that existed at the
// start. Without Rounds there is no start: a scheduler that holds everything for
// ever should be seen to fail.
func (e *enforcer) watch(ctx context.Context, args Args) error {
	listWatch, err := newRoundClient(e.handle.KubeConfig())
	if err != nil {
		return fmt.Errorf("client for rounds: %w", err)
	}
	informer := cache.NewSharedInformer(listWatch, &Round{}, 0)
	if err := informer.SetTransform(dropManagedFields); err != nil {
		return err
	}
	roundsRead, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { e.putRound(object) },
		UpdateFunc: func(_, object any) { e.putRound(object) },
		DeleteFunc: e.removeRound,
	})
	if err != nil {
		return err
	}
	go informer.RunWithContext(ctx)
	podsRead, err := e.watchPods(ctx)
	if err != nil {
		return err
	}
	timeout, cancel := context.WithTimeoutCause(ctx, roundsTimeout, fmt.Errorf("no answer in %s", roundsTimeout))
	defer cancel()
	if !cache.WaitFor(timeout, "rounds", roundsRead.HasSyncedChecker()) {
		return errors.Join(errors.New("rounds.commonpool.dev cannot be listed: is the CRD installed, and may this account get, list and watch it?"),
			context.Cause(timeout))
	}
	// The pods' informers start after all plugins are made.
	go func() {
		if cache.WaitFor(ctx, "pods", podsRead...) {
			e.wake(e.index.Open())
		}
	}()
	return nil
}

// newRoundClient lists and watches as JSON: the scheduler's own configuration asks
// for protobuf, which custom resources do not have.
func newRoundClient(config *rest.Config) (*cache.ListWatch, error) {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(roundVersion, &Round{}, &RoundList{})
	metav1.AddToGroupVersion(scheme, roundVersion)
	config = rest.CopyConfig(config)
	config.GroupVersion = &roundVersion
	config.APIPath = "/apis"
	config.ContentType = runtime.ContentTypeJSON
	config.AcceptContentTypes = runtime.ContentTypeJSON
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	return cache.NewListWatchFromClient(client, "rounds", metav1.NamespaceAll, fields.Everything()), nil
}

func dropManagedFields(object any) (any, error) {
	if round, ok := object.(*Round); ok {
		round.ManagedFields = nil
	}
	return object, nil
}

func (e *enforcer) putRound(object any) {
	read, ok := object.(*Round)
	if !ok {
		return
	}
	round, bad := readRound(read)
	for _, line := range bad {
		badLines.Inc()
		e.logger.Error(line.err, "Skipped a line of a Round", "round", read.Name, "line", line.at, "workload", line.text)
	}
	e.wake(e.index.PutRound(round))
}

func (e *enforcer) removeRound(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	if round, ok := object.(*Round); ok {
		e.wake(e.index.RemoveRound(round.Name))
	}
}
