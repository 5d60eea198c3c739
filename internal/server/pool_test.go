package server

import (
	"context"
	"testing"
)

// startNext starts the next job as a worker would, without running it, and gives its tenant.
func (p *pool) startNext() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.next(); j != nil {
		return j.tenant
	}
	return ""
}

// stop ends a job of a tenant as a worker would.
func (p *pool) stop(tenant string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[tenant]
	l.running--
	p.list(l)
	p.forget(l)
}

func TestTenantsTakeTurnsHoweverManyCallsOneHasQueued(t *testing.T) {
	p := newPool(0, 2) // no workers of its own
	for range 10 {
		_ = p.submit(&job{tenant: "greedy"})
	}
	late := &job{tenant: "modest"}
	_ = p.submit(late)
	_ = p.submit(&job{tenant: "modest"})
	var order []string
	for range 4 {
		order = append(order, p.startNext())
	}
	if order[0] != "greedy" || order[1] != "modest" || order[2] != "greedy" || order[3] != "modest" {
		t.Errorf("order %v", order)
	}
	if next := p.startNext(); next != "" {
		t.Errorf("%s runs more than its share", next)
	}
	p.stop("greedy")
	if next := p.startNext(); next != "greedy" {
		t.Errorf("%q is next after a call of greedy has ended", next)
	}
	if p.remove(late) {
		t.Error("a job that has started was removed")
	}
}

func TestAJobThatWasGivenUpInTheQueueNeverStarts(t *testing.T) {
	p := newPool(0, 1)
	a, b := &job{tenant: "t"}, &job{tenant: "t"}
	_ = p.submit(a)
	_ = p.submit(b)
	if !p.remove(a) || p.remove(a) {
		t.Error("removing a queued job")
	}
	if !p.remove(b) {
		t.Error("removing the last job")
	}
	if next := p.startNext(); next != "" || len(p.lanes) != 0 || p.queued != 0 {
		t.Errorf("%q starts; %d lanes, %d queued", next, len(p.lanes), p.queued)
	}
}

func TestAJobThatWaitsForADeviceTakesNoPlace(t *testing.T) {
	p := newPool(0, 1)
	waiting, next := &job{tenant: "t"}, &job{tenant: "t"}
	_ = p.submit(waiting)
	_ = p.submit(next)
	p.startNext()
	if tenant := p.startNext(); tenant != "" {
		t.Fatalf("%q runs more than its share", tenant)
	}
	p.running = 1
	p.park(waiting)
	p.park(waiting)
	if p.running != 0 || p.parked != 1 {
		t.Errorf("%d running, %d parked", p.running, p.parked)
	}
	if tenant := p.startNext(); tenant != "t" {
		t.Error("the tenant's next call still waits")
	}
}

func TestDrainWaitsForParkedJobs(t *testing.T) {
	p := newPool(1, 1)
	p.running, p.lanes["t"] = 1, &lane{tenant: "t", running: 1}
	p.park(&job{tenant: "t"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.drain(ended); err == nil {
		t.Error("drained while a call waits for its device")
	}
	p.mu.Lock()
	p.parked--
	p.tell()
	p.mu.Unlock()
	if err := p.drain(t.Context()); err != nil {
		t.Error(err)
	}
}
