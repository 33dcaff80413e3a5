package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// tracedPod is one pod of a recorded list, and what it asks for.
type tracedPod struct {
	Name string            `json:"name"`
	Asks map[string]string `json:"asks"`
}

// makeTraced makes the pods one by one: a scheduler's queue then has them in this order.
func makeTraced(ctx context.Context, d *driver) error {
	for _, traced := range d.Pods {
		asks := corev1.ResourceList{}
		for name, amount := range traced.Asks {
			quantity, err := resource.ParseQuantity(amount)
			if err != nil {
				return err
			}
			asks[corev1.ResourceName(name)] = quantity
		}
		pod := d.pod(traced.Name, asks)
		pod.Spec.PriorityClassName = d.PriorityClass
		if err := d.create(ctx, pod); err != nil {
			return err
		}
	}
	return nil
}
