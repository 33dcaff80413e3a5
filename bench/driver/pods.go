package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// warm makes as many pods as the run will, without accelerators and for nobody
// to schedule, and deletes them: the apiserver sizes its watch cache by what it
// has seen, and cuts off watchers of a small one.
func warm(ctx context.Context, d *driver) error {
	if err := d.each(d.Gangs, func(gang int) error {
		for rank := range d.Size {
			pod := d.pod(fmt.Sprintf("warm-%04d-%d", gang, rank), corev1.ResourceList{})
			pod.Spec.SchedulerName = "nobody"
			if err := d.create(ctx, pod); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	now := int64(0)
	return d.each(d.Gangs, func(gang int) error {
		for rank := range d.Size {
			name := fmt.Sprintf("warm-%04d-%d", gang, rank)
			if err := d.own.CoreV1().Pods(d.Namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeAndBind does the least that an apiserver can be asked for: no scheduler.
func makeAndBind(ctx context.Context, d *driver) error {
	return d.each(d.Gangs, func(gang int) error {
		for rank := range d.Size {
			pod := d.pod(podName(gang, rank), request())
			if err := d.create(ctx, pod); err != nil {
				return err
			}
			if err := d.bind(ctx, pod.Name, gang*d.Size+rank); err != nil {
				return err
			}
		}
		return nil
	})
}

// bind puts a pod on the node whose turn it is.
func (d *driver) bind(ctx context.Context, name string, turn int) error {
	binding := &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: d.Namespace},
		Target:     corev1.ObjectReference{Kind: "Node", Name: d.Nodes[turn/d.PerNode%len(d.Nodes)]},
	}
	return d.own.CoreV1().Pods(d.Namespace).Bind(ctx, binding, metav1.CreateOptions{})
}

// makePods leaves the binding to a scheduler that knows no gangs.
func makePods(ctx context.Context, d *driver) error {
	return d.each(d.Gangs, func(gang int) error {
		for rank := range d.Size {
			if err := d.create(ctx, d.pod(podName(gang, rank), request())); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *driver) create(ctx context.Context, pod *corev1.Pod) error {
	_, err := d.own.CoreV1().Pods(d.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	return err
}

func (d *driver) pod(name string, asks corev1.ResourceList) *corev1.Pod {
	spec := podSpec(asks)
	spec.SchedulerName = d.SchedulerName
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: d.Namespace}, Spec: spec}
}

func podSpec(asks corev1.ResourceList) corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers: []corev1.Container{{
			Name:      "main",
			Image:     "registry.example/train:1",
			Resources: corev1.ResourceRequirements{Requests: asks, Limits: asks},
		}},
	}
}

// request is what one pod of a gang asks for.
func request() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("2"),
		corev1.ResourceMemory: resource.MustParse("4Gi"),
		"nvidia.com/gpu":      resource.MustParse("1"),
	}
}

func podName(gang, rank int) string { return fmt.Sprintf("gang-%04d-%d", gang, rank) }
