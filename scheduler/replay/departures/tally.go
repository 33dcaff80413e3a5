package departures

import (
	"slices"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// Result is what came of it. Accelerator-hours count parts of accelerators as parts.
type Result struct {
	Pods              int // that came
	StartedPods       int
	OfferedHours      float64 // accelerator-hours that would have been served if nobody had had to wait
	ServedHours       float64
	OfferedPercent    float64 // OfferedHours of the accelerators
	OfferedCPUPercent float64
	AllocatedPercent  float64 // mean over the time

	Wait        Waits   // of all pods; one that never started has waited to the end
	MultiWait   Waits   // of those with several accelerators
	WaitedHours float64 // accelerator-hours that were waited for
	IdleHours   float64 // accelerator-hours that were free while as much was waited for

	FragmentedPercent float64 // FGD's F, of all accelerators: mean over the samples
	LostPercent       float64 // its multi-unit form

	Moves       int     // of one pod
	PausedHours float64 // accelerator-hours that pods held without running while they were moved
	Series      []Sample
}

// Waits are in seconds: what half of the pods, and 99 % of them, did not wait longer than, and the longest.
type Waits struct{ P50, P99, Longest int64 }

// Sample is one instant, in percent of all accelerators.
type Sample struct {
	At                                   int64
	Allocated, Fragmented, Lost, Waiting float64
}

// tally adds up what happens between the instants.
type tally struct {
	fragments *replay.Fragments
	used      int64 // milli-accelerators times seconds, as all of these
	waited    int64
	idle      int64
	paused    int64
	moves     int
	series    []Sample
}

// advance goes on to an instant; till then things stay as they are.
func (w *world) advance(to int64) {
	seconds := to - w.now
	w.tally.used += w.used * seconds
	w.tally.waited += w.queue.milli * seconds
	w.tally.idle += min(w.Capacity-w.used, w.queue.milli) * seconds
	for samples := int64(w.setting.Samples); len(w.tally.series) < w.setting.Samples; {
		at := (2*int64(len(w.tally.series)) + 1) * w.Seconds / (2 * samples)
		if at >= to {
			break
		}
		w.tally.series = append(w.tally.series, w.sample(at))
	}
	w.now = to
}

func (w *world) sample(at int64) Sample {
	fragmented, lost := 0.0, 0.0
	for i := range w.free {
		fragmented += w.tally.fragments.Of(&w.free[i])
		lost += w.tally.fragments.Lost(&w.free[i])
	}
	percent := 100 / float64(w.Capacity)
	return Sample{at, float64(w.used) * percent, fragmented * percent, lost * percent, float64(w.queue.milli) * percent}
}

const milliHours = packing.CardMilli * 3600.0

func (w *world) finish() *Result {
	r := &Result{Pods: len(w.tasks), Moves: w.tally.moves, Series: w.tally.series}
	var waits, multiWaits []int64
	served, offered, offeredCPU := int64(0), int64(0), 0.0
	for i := range w.tasks {
		t, arrival, shape := &w.tasks[i], &w.Arrivals[i], w.shape(int32(i))
		if t.node >= 0 {
			w.forget(int32(i))
		}
		room := min(arrival.Seconds, w.Seconds-arrival.At)
		offered += shape.Accelerators() * room
		offeredCPU += float64(shape.CPU) * float64(room)
		wait := w.Seconds - arrival.At
		if t.start >= 0 {
			wait = t.start - arrival.At
			r.StartedPods++
			w.tally.paused += shape.Accelerators() * (t.paused - max(t.pausedTo-w.Seconds, 0))
			served += shape.Accelerators() * t.run(w.Seconds)
		}
		waits = append(waits, wait)
		if shape.Cards > 1 {
			multiWaits = append(multiWaits, wait)
		}
	}
	cpu := int64(0)
	for i := range w.Nodes {
		cpu += w.Offer.Nodes[i].CPU
	}
	all := float64(w.Capacity) * float64(w.Seconds) / 100
	r.OfferedHours, r.ServedHours = float64(offered)/milliHours, float64(served)/milliHours
	r.OfferedPercent, r.AllocatedPercent = float64(offered)/all, float64(w.tally.used)/all
	r.OfferedCPUPercent = 100 * offeredCPU / float64(cpu) / float64(w.Seconds)
	r.Wait, r.MultiWait = measure(waits), measure(multiWaits)
	r.WaitedHours, r.IdleHours = float64(w.tally.waited)/milliHours, float64(w.tally.idle)/milliHours
	r.PausedHours = float64(w.tally.paused) / milliHours
	for i := range r.Series {
		r.FragmentedPercent += r.Series[i].Fragmented / float64(len(r.Series))
		r.LostPercent += r.Series[i].Lost / float64(len(r.Series))
	}
	return r
}

// run is how long it has run by then, pauses not counted.
func (t *task) run(by int64) int64 {
	paused := t.paused - max(t.pausedTo-by, 0)
	return min(t.end-t.paused, by-paused) - t.start
}

// measure takes the smallest wait that so many do not exceed; 0 where there are none.
func measure(waits []int64) Waits {
	if len(waits) == 0 {
		return Waits{}
	}
	slices.Sort(waits)
	n := len(waits)
	return Waits{waits[(n+1)/2-1], waits[(99*n+99)/100-1], waits[n-1]}
}
