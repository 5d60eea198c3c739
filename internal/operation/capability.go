package operation

import (
	"slices"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// Capabilities says what one provider offers, or with 0 all that are open, under one name, or with "" under every name, in
// the order of their names. An unknown name, or one that is not offered, is ErrUnsupportedAlgorithm; an unknown number
// ErrProviderNotAvailable.
func (e *Engine) Capabilities(g policy.Grant, only claviger.ProviderID, name claviger.Algorithm) ([]claviger.AlgorithmInfo, error) {
	if err := g.DemandOpen("capabilities"); err != nil {
		return nil, err
	}
	if name != "" {
		row, err := lookup("capabilities", name, allFamilies...)
		if err != nil {
			return nil, err
		}
		name = row.Name
	}
	if only != 0 && e.member(only) == nil {
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "capabilities", "no provider has the number %d", only)
	}
	found := make(map[claviger.Algorithm]*claviger.AlgorithmInfo)
	for _, m := range e.members {
		if only != 0 && m.ID != only {
			continue
		}
		for _, row := range m.offer().rows {
			if name == "" || row.Algorithm == name {
				note(found, m.ID, row)
			}
		}
	}
	if name != "" && len(found) == 0 {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "capabilities", "no provider offers %s", name)
	}
	list := make([]claviger.AlgorithmInfo, 0, len(found))
	for _, info := range found {
		slices.Sort(info.Operations)
		slices.Sort(info.Keys)
		list = append(list, *info)
	}
	slices.SortFunc(list, func(a, b claviger.AlgorithmInfo) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return list, nil
}

// note adds one mechanism to what is known of its name.
func note(found map[claviger.Algorithm]*claviger.AlgorithmInfo, id claviger.ProviderID, row provider.Mechanism) {
	info := found[row.Algorithm]
	if info == nil {
		info = &claviger.AlgorithmInfo{Name: row.Algorithm}
		if r, ok := algorithm.Lookup(row.Algorithm, allFamilies...); ok {
			info.Aliases = r.Aliases
		}
		found[row.Algorithm] = info
	}
	if word := row.Op.String(); !slices.Contains(info.Operations, word) {
		info.Operations = append(info.Operations, word)
	}
	if row.Key != "" && !slices.Contains(info.Keys, row.Key) {
		info.Keys = append(info.Keys, row.Key)
	}
	if !slices.Contains(info.Providers, id) {
		info.Providers = append(info.Providers, id)
	}
}
