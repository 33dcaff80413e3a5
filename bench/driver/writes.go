package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// asOperator is who alone may say that a GPUWorkload stands for another object.
const asOperator string = "system:serviceaccount:commonpool-system:commonpool-operator"

const workloads string = "/apis/commonpool.dev/v1alpha1/namespaces/%s/gpuworkloads"

// writeAll asks the apiserver for all that a gang of the pool is made of, and
// for nothing else: the most that anybody can do who makes these objects.
func writeAll(ctx context.Context, d *driver) error {
	return d.each(d.Gangs, func(gang int) error {
		job := d.job(gang)
		job.Spec.ManagedBy = new(managedBy)
		job, err := d.user.BatchV1().Jobs(d.Namespace).Create(ctx, job, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if err := d.track(ctx, job); err != nil {
			return err
		}
		release := []byte(`{"spec":{"suspend":false}}`)
		if _, err := d.own.BatchV1().Jobs(d.Namespace).Patch(ctx, job.Name, types.MergePatchType, release, metav1.PatchOptions{}); err != nil {
			return err
		}
		if err := d.makePodsOf(ctx, job); err != nil {
			return err
		}
		for rank := range d.Size {
			if err := d.bind(ctx, podName(gang, rank), gang*d.Size+rank); err != nil {
				return err
			}
		}
		return d.tell(ctx, job)
	})
}

// track makes the GPUWorkload that stands for a Job.
func (d *driver) track(ctx context.Context, job *batchv1.Job) error {
	owner := map[string]any{"apiVersion": "batch/v1", "kind": "Job", "name": job.Name, "uid": job.UID, "blockOwnerDeletion": false}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "commonpool.dev/v1alpha1",
		"kind":       "GPUWorkload",
		"metadata":   map[string]any{"name": job.Name, "ownerReferences": []any{owner}},
		"spec": map[string]any{
			"accelerators": map[string]any{"perReplica": 1},
			"tracked":      map[string]any{"apiVersion": "batch/v1", "kind": "Job", "name": job.Name, "uid": job.UID},
		},
	})
	if err != nil {
		return err
	}
	request := d.own.Discovery().RESTClient().Post().AbsPath(fmt.Sprintf(workloads, d.Namespace))
	return request.SetHeader("Impersonate-User", asOperator).SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
}

// tell writes the one status that a gang has which starts at once.
func (d *driver) tell(ctx context.Context, job *batchv1.Job) error {
	now := metav1.NewTime(time.Now())
	words := fmt.Sprintf("%d of %d pods have their nodes in pool `bench`, 0 ready", d.Size, d.Size)
	conditions := []metav1.Condition{
		{Type: "Admitted", Status: "True", Reason: "Queued", Message: "it may run for tenant `bench`"},
		{Type: "Placed", Status: "True", Reason: "Placed", Message: fmt.Sprintf("all %d pods have their places in pool `bench`", d.Size)},
		{Type: "Running", Status: "False", Reason: "Starting", Message: words},
		{Type: "Succeeded", Status: "Unknown", Reason: "Starting", Message: words},
	}
	for index := range conditions {
		conditions[index].LastTransitionTime, conditions[index].ObservedGeneration = now, 1
	}
	summary := fmt.Sprintf("%d/%d", d.Size, d.Size)
	body, err := json.Marshal(map[string]any{"status": map[string]any{
		"acceleratorSeconds": 0,
		"accelerators":       d.Size,
		"accountedAt":        now,
		"conditions":         conditions,
		"kind":               "Job",
		"observedGeneration": 1,
		"pool":               "bench",
		"promisedAt":         now,
		"replicas":           map[string]any{"have": d.Size, "ready": 0, "summary": summary, "want": d.Size},
		"tenant":             "bench",
		"tier":               "Standard",
	}})
	if err != nil {
		return err
	}
	path := fmt.Sprintf(workloads, d.Namespace) + "/" + job.Name + "/status"
	return d.own.Discovery().RESTClient().Patch(types.MergePatchType).AbsPath(path).Body(body).Do(ctx).Error()
}
