package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
	"commonpool.dev/scheduler/replay/departures"
)

// timesLine is one object of the output of a replay with departures.
type timesLine struct {
	List            string  `json:"list"`
	Seed            int     `json:"seed"`
	Policy          string  `json:"policy"`
	Moves           bool    `json:"moves"` // pods may be moved
	Queue           string  `json:"queue"`
	Load            int     `json:"load"` // that was asked for, in percent; 0: the recording as it is
	Copies          int     `json:"copies"`
	Nodes           int     `json:"nodes"`
	Accelerators    float64 `json:"accelerators"`
	Days            float64 `json:"days"`
	Pods            int     `json:"pods"`
	UnservablePods  int     `json:"unservable_pods"` // of the list
	StartedPods     int     `json:"started_pods"`
	OfferedPercent  float64 `json:"offered_percent"`
	OfferedCPU      float64 `json:"offered_cpu_percent"`
	OfferedHours    float64 `json:"offered_gpu_hours"`
	ServedHours     float64 `json:"served_gpu_hours"`
	Allocated       float64 `json:"allocated_percent"`
	WaitP50         int64   `json:"wait_p50_seconds"`
	WaitP99         int64   `json:"wait_p99_seconds"`
	WaitLongest     int64   `json:"wait_longest_seconds"`
	MultiGPUWaitP50 int64   `json:"multi_gpu_wait_p50_seconds"`
	MultiGPUWaitP99 int64   `json:"multi_gpu_wait_p99_seconds"`
	WaitedHours     float64 `json:"waited_gpu_hours"`
	IdleHours       float64 `json:"idle_wanted_gpu_hours"`
	Fragmented      float64 `json:"fragmented_percent"`
	Lost            float64 `json:"lost_percent"`
	MovedPods       int     `json:"moved_pods"`
	PausedHours     float64 `json:"paused_gpu_hours"`
	Series          series  `json:"series"`
}

// series is how things were at regular instants, in percent of all accelerators.
type series struct {
	Days       []float64 `json:"days"`
	Allocated  []float64 `json:"allocated"`
	Fragmented []float64 `json:"fragmented"`
	Lost       []float64 `json:"lost"`
	Waiting    []float64 `json:"waiting"`
}

const daySeconds = 86400.0

// timesFlags are the options of a replay with departures.
type timesFlags struct {
	loads, queue, moves *string
	every, samples      *int
}

func readTimesFlags() timesFlags {
	return timesFlags{
		loads:   flag.String("times", "", "replay with the recorded times, at these loads in percent, `numbers` with commas (0: as recorded)"),
		queue:   flag.String("queue", string(departures.Skip), "`discipline` of those who wait: skip or strict"),
		moves:   flag.String("moves", "", "`names` of the policies that are replayed with moves too, with commas"),
		every:   flag.Int("every", 16, "take every so manyth node, but for load 0"),
		samples: flag.Int("samples", 300, "instants at which fragments are measured"),
	}
}

// times is what is asked for, checked.
type times struct {
	loads    []int
	setting  departures.Setting
	every    int
	policies []replay.Policy
	movers   []string
}

func (f timesFlags) check(chosen []replay.Policy) (times, error) {
	loads, err := numbers(*f.loads)
	if err != nil {
		return times{}, err
	}
	const mostLoad, mostEvery = 1000, 1 << 20
	if slices.Min(loads) < 0 || slices.Max(loads) > mostLoad || *f.every < 1 || *f.every > mostEvery || *f.samples < 1 {
		return times{}, fmt.Errorf("loads are percent in 0..%d, -every is in 1..%d, -samples at least 1", mostLoad, mostEvery)
	}
	setting := departures.Setting{Queue: departures.Discipline(*f.queue), Samples: *f.samples}
	if setting.Queue != departures.Skip && setting.Queue != departures.Strict {
		return times{}, fmt.Errorf("there is no queue discipline %q", *f.queue)
	}
	movers := strings.FieldsFunc(*f.moves, func(r rune) bool { return r == ',' })
	if _, err := choose(strings.Join(movers, ","), false); err != nil {
		return times{}, err
	}
	return times{loads, setting, *f.every, chosen, movers}, nil
}

func (t times) replayList(out *json.Encoder, nodes, pods string, seeds []int) error {
	trace, err := read(nodes, pods)
	if err != nil {
		return err
	}
	for _, load := range t.loads {
		for _, seed := range seeds {
			offer, err := t.offer(trace, seed, load)
			if err != nil {
				return fmt.Errorf("%s: %w", pods, err)
			}
			for _, policy := range t.policies {
				setting := t.setting
				setting.Policy, setting.Seed = policy, int64(seed)
				ways := []*departures.Rules{nil}
				if slices.Contains(t.movers, policy.Name) {
					ways = append(ways, &departures.DefaultRules)
				}
				for _, setting.Moves = range ways {
					line := tell(offer, offer.Replay(trace.Mix(), setting))
					line.List, line.Seed, line.Load, line.Policy = nameOf(pods), seed, load, policy.Name
					line.Moves, line.Queue = setting.Moves != nil, string(setting.Queue)
					if err := out.Encode(line); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func (t times) offer(trace *replay.Trace, seed, load int) (*departures.Offer, error) {
	if load == 0 {
		return departures.NewRecorded(trace, int64(seed))
	}
	return departures.NewOverlay(trace, int64(seed), load, t.every)
}

func tell(o *departures.Offer, r *departures.Result) timesLine {
	line := timesLine{
		Copies: o.Copies, Nodes: len(o.Nodes), Accelerators: round(float64(o.Capacity) / packing.CardMilli), Days: round(float64(o.Seconds) / daySeconds),
		Pods: r.Pods, UnservablePods: o.Unservable, StartedPods: r.StartedPods,
		OfferedPercent: round(r.OfferedPercent), OfferedCPU: round(r.OfferedCPUPercent),
		OfferedHours: round(r.OfferedHours), ServedHours: round(r.ServedHours), Allocated: round(r.AllocatedPercent),
		WaitP50: r.Wait.P50, WaitP99: r.Wait.P99, WaitLongest: r.Wait.Longest,
		MultiGPUWaitP50: r.MultiWait.P50, MultiGPUWaitP99: r.MultiWait.P99, WaitedHours: round(r.WaitedHours), IdleHours: round(r.IdleHours),
		Fragmented: round(r.FragmentedPercent), Lost: round(r.LostPercent), MovedPods: r.Moves, PausedHours: round(r.PausedHours),
	}
	for _, at := range r.Series {
		line.Series.Days = append(line.Series.Days, round(float64(at.At)/daySeconds))
		line.Series.Allocated = append(line.Series.Allocated, round(at.Allocated))
		line.Series.Fragmented = append(line.Series.Fragmented, round(at.Fragmented))
		line.Series.Lost = append(line.Series.Lost, round(at.Lost))
		line.Series.Waiting = append(line.Series.Waiting, round(at.Waiting))
	}
	return line
}

// round keeps what anybody would look at.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
