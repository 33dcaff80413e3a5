package main

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// managedBy keeps Kubernetes' Job controller away from a Job: the driver makes
// its pods. To the pool it is a Job like any other.
const managedBy string = "commonpool.dev/bench-driver"

// tryJob asks for one Job without making it: what the apiserver compiles and
// reads on first use it then has.
func tryJob(ctx context.Context, d *driver) error {
	_, err := d.user.BatchV1().Jobs(d.Namespace).Create(ctx, d.job(0), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// makeJobs lets the tenant's user submit Jobs, and everybody else do the rest.
func makeJobs(ctx context.Context, d *driver) error {
	return d.each(d.Gangs, func(gang int) error {
		return d.submit(ctx, d.job(gang))
	})
}

// makeGangs lets the tenant's user submit Jobs, and makes the pods of each as
// soon as the pool has released it.
func makeGangs(ctx context.Context, d *driver) error {
	jobs, err := d.own.BatchV1().Jobs(d.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	released := make(chan *batchv1.Job, d.Gangs)
	outcomes := make(chan error, 3)
	go func() { outcomes <- d.followReleases(ctx, jobs.ResourceVersion, released) }() // ends only when it fails
	go func() {
		outcomes <- d.each(d.Gangs, func(gang int) error {
			job := d.job(gang)
			job.Spec.ManagedBy = new(managedBy)
			return d.submit(ctx, job)
		})
	}()
	go func() {
		outcomes <- d.each(d.Gangs, func(int) error { return d.makePodsOf(ctx, <-released) })
	}()
	for range 2 {
		if err := <-outcomes; err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) submit(ctx context.Context, job *batchv1.Job) error {
	_, err := d.user.BatchV1().Jobs(d.Namespace).Create(ctx, job, metav1.CreateOptions{})
	return err
}

// followReleases sends each Job once, when it is no longer suspended.
func (d *driver) followReleases(ctx context.Context, version string, released chan<- *batchv1.Job) error {
	seen := map[string]bool{}
	for {
		changes, err := d.own.BatchV1().Jobs(d.Namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			return err
		}
		for change := range changes.ResultChan() {
			job, is := change.Object.(*batchv1.Job)
			if !is || change.Type == watch.Error {
				return fmt.Errorf("the watch of jobs broke: %v", change.Object)
			}
			version = job.ResourceVersion
			if (job.Spec.Suspend == nil || !*job.Spec.Suspend) && !seen[job.Name] {
				seen[job.Name] = true
				released <- job
			}
		}
	}
}

// makePodsOf makes them as the Job controller does: from the template, with the
// index as label and annotation, owned by the Job.
func (d *driver) makePodsOf(ctx context.Context, job *batchv1.Job) error {
	yes := true
	owner := metav1.OwnerReference{
		APIVersion: "batch/v1", Kind: "Job", Name: job.Name, UID: job.UID, Controller: &yes, BlockOwnerDeletion: &yes,
	}
	for rank := range int(*job.Spec.Parallelism) {
		index := strconv.Itoa(rank)
		labels := maps.Clone(job.Spec.Template.Labels)
		labels[batchv1.JobCompletionIndexAnnotation] = index
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name:            job.Name + "-" + index,
				Namespace:       d.Namespace,
				Labels:          labels,
				Annotations:     map[string]string{batchv1.JobCompletionIndexAnnotation: index},
				OwnerReferences: []metav1.OwnerReference{owner},
			},
			Spec: job.Spec.Template.Spec,
		}
		if err := d.create(ctx, pod); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) job(gang int) *batchv1.Job {
	size, mode := int32(d.Size), batchv1.IndexedCompletion
	name := fmt.Sprintf("gang-%04d", gang)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: d.Namespace},
		Spec: batchv1.JobSpec{
			CompletionMode: &mode,
			Parallelism:    &size,
			Completions:    &size,
			Template:       corev1.PodTemplateSpec{Spec: podSpec(request())},
		},
	}
}
