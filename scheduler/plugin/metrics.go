package plugin

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"commonpool.dev/scheduler/rounds"
)

const subsystem = "commonpool_scheduler"

var (
	refusals = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "refusals_total", StabilityLevel: metrics.ALPHA,
		Help: "Times a pod was kept from being scheduled, by reason.",
	}, []string{"profile", "reason"})
	badLines = metrics.NewCounter(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "unreadable_lines_total", StabilityLevel: metrics.ALPHA,
		Help: "Lines of Rounds that could not be read and were skipped.",
	})
	registerCounters = sync.OnceFunc(func() { legacyregistry.MustRegister(refusals, badLines) })

	heldDesc = metrics.NewDesc(subsystem+"_held_pods", "Pods that wait for a place, by reason.",
		[]string{"profile", "reason"}, nil, metrics.ALPHA, "")
	roundsDesc = metrics.NewDesc(subsystem+"_rounds", "Rounds that exist, those of past leaders included.",
		[]string{"profile"}, nil, metrics.ALPHA, "")
	outstandingDesc = metrics.NewDesc(subsystem+"_outstanding_places", "Places promised by Rounds that no bound pod has.",
		[]string{"profile"}, nil, metrics.ALPHA, "")
	epochDesc = metrics.NewDesc(subsystem+"_round_epoch", "Epoch of the leader whose Rounds are obeyed.",
		[]string{"profile"}, nil, metrics.ALPHA, "")
)

// collector counts the index when it is asked, not on every pod.
type collector struct {
	metrics.BaseStableCollector

	profile string
	index   *rounds.Index
}

// registerMetrics is called once for each profile that obeys Rounds; a process
// serves one (a second would see held pods that are not its own).
func registerMetrics(profile string, index *rounds.Index) error {
	registerCounters()
	return legacyregistry.CustomRegister(&collector{profile: profile, index: index})
}

// DescribeWithStability tells the registry what there is.
func (c *collector) DescribeWithStability(descriptions chan<- *metrics.Desc) {
	for _, each := range []*metrics.Desc{heldDesc, roundsDesc, outstandingDesc, epochDesc} {
		descriptions <- each
	}
}

// CollectWithStability answers a scrape.
func (c *collector) CollectWithStability(values chan<- metrics.Metric) {
	counts := c.index.Counts()
	for _, wait := range rounds.Waits {
		values <- metrics.NewLazyConstMetric(heldDesc, metrics.GaugeValue, float64(counts.Waiting[wait]), c.profile, string(wait))
	}
	values <- metrics.NewLazyConstMetric(roundsDesc, metrics.GaugeValue, float64(counts.Rounds), c.profile)
	values <- metrics.NewLazyConstMetric(outstandingDesc, metrics.GaugeValue, float64(counts.Outstanding), c.profile)
	values <- metrics.NewLazyConstMetric(epochDesc, metrics.GaugeValue, float64(counts.Epoch), c.profile)
}
