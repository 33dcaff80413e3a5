// Command kube-scheduler is the stock scheduler with the CommonPool plugin built
// in and without an Event for every pod it binds.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics on /metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric on /metrics
)

func main() {
	os.Exit(cli.Run(newCommand()))
}
