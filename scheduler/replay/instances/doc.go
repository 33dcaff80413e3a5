// Package instances packs random streams of pods that want instances on partitioned cards (MIG) and tells how much of the cards is used and
// how many pods found room, with our policy and others beside it on the same streams.
package instances
