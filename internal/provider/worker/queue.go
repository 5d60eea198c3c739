package worker

import "slices"

// gate is one of the places in a worker where calls wait for each other: its sessions for operations, and those that own
// keys. Calls wait before it, in the daemon, where no clock runs for them, and tenants take turns.
type gate struct {
	free  int // calls that it takes beside those under way
	order []string
	lanes map[string][]*pending // of calls that wait, by tenant
}

// push queues a call.
func (g *gate) push(c *pending) {
	if g.lanes == nil {
		g.lanes = make(map[string][]*pending)
	}
	if len(g.lanes[c.lane]) == 0 {
		g.order = append(g.order, c.lane)
	}
	g.lanes[c.lane] = append(g.lanes[c.lane], c)
}

// next gives the call whose turn it is, which stays; nil if none waits.
func (g *gate) next() *pending {
	if len(g.order) == 0 {
		return nil
	}
	return g.lanes[g.order[0]][0]
}

// pop takes the call whose turn it is out of the queue.
func (g *gate) pop() {
	lane := g.order[0]
	g.order = g.order[1:]
	rest := g.lanes[lane][1:]
	if len(rest) == 0 {
		delete(g.lanes, lane)
		return
	}
	g.lanes[lane] = rest
	g.order = append(g.order, lane)
}

// remove takes a call out of the queue, if it waits.
func (g *gate) remove(c *pending) {
	lane := g.lanes[c.lane]
	i := slices.Index(lane, c)
	if i < 0 {
		return
	}
	if lane = slices.Delete(lane, i, i+1); len(lane) > 0 {
		g.lanes[c.lane] = lane
		return
	}
	delete(g.lanes, c.lane)
	g.order = slices.DeleteFunc(g.order, func(name string) bool { return name == c.lane })
}

// drain takes all calls out of the queue.
func (g *gate) drain() []*pending {
	var all []*pending
	for _, lane := range g.lanes {
		all = append(all, lane...)
	}
	g.order, g.lanes = nil, nil
	return all
}

// Which gate a verb waits before.
const (
	atCalls  = iota // sessions for operations
	atWriter        // the session that makes keys and lasting objects
	atOwner         // the session that owns keys which come and go with calls
	gates
	atNone // it waits for nothing in there
)

// gateOf gives a verb's gate.
func gateOf(v verb) int {
	switch v {
	case verbGenerate, verbBlob, verbDestroy:
		return atWriter
	case verbImport, verbKeyOp, verbCloseKey:
		return atOwner
	case verbCloseStream:
		return atNone
	}
	return atCalls
}
