package plugin

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// finishedGrace is how long a bound pod that left the scheduler's watch keeps its
// place, for the watch of finished pods to say whether it is gone or has finished.
const finishedGrace = 2 * time.Second

// watchPods tells the index of this profile's pods. The scheduler's own informer
// leaves out pods that have finished, but what they took stays taken while they
// exist (docs/architecture.md, Round): a second, narrow one sees only those.
func (e *enforcer) watchPods(ctx context.Context) ([]cache.DoneChecker, error) {
	finished := coreinformers.NewFilteredPodInformer(e.handle.ClientSet(), metav1.NamespaceAll, 0, cache.Indexers{}, func(options *metav1.ListOptions) {
		options.FieldSelector = fields.AndSelectors(
			fields.OneTermEqualSelector("spec.schedulerName", e.handle.ProfileName()),
			fields.OneTermNotEqualSelector("status.phase", string(v1.PodPending)),
			fields.OneTermNotEqualSelector("status.phase", string(v1.PodRunning)),
		).String()
	})
	if err := finished.SetTransform(keepIdentity); err != nil {
		return nil, err
	}
	finishedRead, err := finished.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { e.putPod(object) },
		DeleteFunc: func(object any) { e.removePod(object) },
	})
	if err != nil {
		return nil, err
	}
	live := e.handle.SharedInformerFactory().Core().V1().Pods().Informer()
	liveRead, err := live.AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: e.isOurs,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { e.putPod(object) },
			UpdateFunc: func(old, object any) { e.updatePod(old, object) },
			DeleteFunc: func(object any) { e.leaveLive(object, finished.GetStore()) },
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	go finished.RunWithContext(ctx)
	return []cache.DoneChecker{finishedRead.HasSyncedChecker(), liveRead.HasSyncedChecker()}, nil
}

// keepIdentity drops what readPod does not need of a pod that has finished.
func keepIdentity(object any) (any, error) {
	pod, ok := object.(*v1.Pod)
	if !ok {
		return object, nil
	}
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
			CreationTimestamp: pod.CreationTimestamp, Labels: pod.Labels, OwnerReferences: pod.OwnerReferences,
		},
		Spec: v1.PodSpec{NodeName: pod.Spec.NodeName},
	}, nil
}

func podOf(object any) *v1.Pod {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	pod, _ := object.(*v1.Pod)
	return pod
}

func (e *enforcer) isOurs(object any) bool {
	pod := podOf(object)
	return pod != nil && pod.Spec.SchedulerName == e.handle.ProfileName()
}

func (e *enforcer) putPod(object any) {
	pod := podOf(object)
	switch {
	case pod == nil:
	case pod.Spec.NodeName == "" && (pod.DeletionTimestamp != nil || pod.Status.Phase == v1.PodFailed || pod.Status.Phase == v1.PodSucceeded):
		e.removePod(pod) // it will never be bound
	default:
		e.wake(e.index.PutPod(readPod(pod, e.uncounted), pod.Spec.NodeName))
	}
}

func (e *enforcer) updatePod(before, after any) {
	old, pod := podOf(before), podOf(after)
	if old == nil || pod == nil {
		return
	}
	if old.UID != pod.UID {
		e.removePod(old) // deleted and made again while the watch was down
	} else if old.Spec.NodeName != "" {
		return // where it is does not change any more
	}
	e.putPod(pod)
}

func (e *enforcer) removePod(object any) {
	if pod := podOf(object); pod != nil {
		e.wake(e.index.RemovePod(string(pod.UID)))
	}
}

// leaveLive handles a pod that left the scheduler's watch: it is gone, or it has
// finished.
func (e *enforcer) leaveLive(object any, finished cache.Store) {
	pod := podOf(object)
	if pod == nil {
		return
	}
	if pod.Spec.NodeName == "" || !e.index.Seated(string(pod.UID)) {
		e.removePod(pod)
		return
	}
	time.AfterFunc(finishedGrace, func() { e.leaveWatch(pod, finished) })
}

// leaveWatch forgets the pod unless it is among the finished ones.
func (e *enforcer) leaveWatch(pod *v1.Pod, finished cache.Store) {
	still, exists, err := finished.Get(pod)
	if other := podOf(still); err == nil && exists && other != nil && other.UID == pod.UID {
		return
	}
	e.removePod(pod)
}
