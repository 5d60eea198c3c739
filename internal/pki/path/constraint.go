package path

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/claviger/claviger/internal/pki/cert"
)

// checkConstraints judges name constraints (RFC 5280, 4.2.1.10 and 6.1.4 (g)) of all forms but dNSName and iPAddress,
// which the builder has judged. A form that is not understood is refused where it is both constrained and present.
func checkConstraints(chain []*cert.Certificate) *fault {
	if !withinBudget(chain) {
		return forbidden(-1, "more name constraints times names than the limit of comparisons")
	}
	for i := 1; i < len(chain); i++ {
		nc := chain[i].Constraints()
		if nc == nil {
			continue
		}
		for _, s := range append(nc.Permitted[:len(nc.Permitted):len(nc.Permitted)], nc.Excluded...) {
			if s.Bounded {
				return forbidden(i, "a name constraint with a minimum or maximum")
			}
		}
		for j := i - 1; j >= 0; j-- {
			if j > 0 && chain[j].SelfIssued() {
				continue
			}
			for _, n := range namesOf(chain[j]) {
				if why := judgeName(nc, n); why != "" {
					return forbidden(j, why)
				}
			}
		}
	}
	return nil
}

// withinBudget counts constraint x name before any of them is compared, for all forms. Each CA's constraints are held
// against the names of everything below it.
func withinBudget(chain []*cert.Certificate) bool {
	names, cost := len(namesOf(chain[0])), 0
	for _, c := range chain[1:] {
		if nc := c.Constraints(); nc != nil {
			cost += names * (len(nc.Permitted) + len(nc.Excluded))
		}
		if cost > comparisonBudget {
			return false
		}
		names += len(c.AltNames()) + 1
	}
	return true
}

// namesOf lists the names a certificate claims: its alternative names, its subject, and the e-mail addresses in it,
// which old certificates put there.
func namesOf(c *cert.Certificate) []cert.GeneralName {
	names := append([]cert.GeneralName(nil), c.AltNames()...)
	if !c.Subject().Empty() {
		names = append(names, cert.GeneralName{Form: cert.DirectoryName, Directory: c.Subject()})
	}
	for _, mail := range c.Subject().Emails() {
		names = append(names, cert.GeneralName{Form: cert.RFC822Name, Value: mail})
	}
	return names
}

// judgeName returns what nc has against n, "" if nothing. Excluded subtrees win over permitted ones; permitted ones of a
// form bind only names of that form (RFC 5280, 4.2.1.10).
func judgeName(nc *cert.NameConstraints, n cert.GeneralName) string {
	if n.Form == cert.DNSName || n.Form == cert.IPAddress {
		return ""
	}
	constrained, permitted := false, false
	for _, s := range nc.Excluded {
		if s.Form != n.Form {
			continue
		}
		if in, ok := within(n, s.GeneralName); !ok {
			return told(n) + " cannot be held against its constraint"
		} else if in {
			return told(n) + " lies in an excluded subtree"
		}
	}
	for _, s := range nc.Permitted {
		if s.Form != n.Form {
			continue
		}
		constrained = true
		in, ok := within(n, s.GeneralName)
		if !ok {
			return told(n) + " cannot be held against its constraint"
		}
		permitted = permitted || in
	}
	if constrained && !permitted {
		return told(n) + " lies in no permitted subtree"
	}
	return ""
}

// told names a name to people, where its form has a text.
func told(n cert.GeneralName) string {
	switch n.Form {
	case cert.RFC822Name, cert.URI:
		return n.Form.String() + " " + readable(n.Value)
	case cert.DirectoryName:
		return n.Form.String() + " " + readable(n.Directory.String())
	}
	return "a name of the form " + n.Form.String()
}

// within reports whether n lies in the subtree of base, which has the same form. ok is false if that cannot be said.
func within(n, base cert.GeneralName) (in, ok bool) {
	switch n.Form {
	case cert.DirectoryName:
		return n.Directory.Within(base.Directory), true
	case cert.RFC822Name:
		return mailWithin(n.Value, base.Value)
	case cert.URI:
		host, ok := uriHost(n.Value)
		return ok && hostWithin(host, base.Value), ok
	}
	return false, false
}

// mailWithin holds a mailbox against a mailbox, a host, or with a leading period all hosts of a domain. The local
// part is compared with regard to case (RFC 5280, 7.5). ok is false if mail is no mailbox.
func mailWithin(mail, base string) (in, ok bool) {
	local, host, ok := mailbox(mail)
	if !ok {
		return false, false
	}
	if !strings.Contains(base, "@") {
		return hostWithin(host, base), true
	}
	baseLocal, baseHost, ok := mailbox(base)
	return local == baseLocal && strings.EqualFold(host, baseHost), ok
}

// mailbox takes a Mailbox of RFC 2821, 4.1.2 apart. A quoted local part is returned without its quoting, so that one
// mailbox has one spelling.
func mailbox(s string) (local, host string, ok bool) {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || !isHost(s[at+1:]) {
		return "", "", false
	}
	local, host = s[:at], s[at+1:]
	if local[0] == '"' {
		local, ok = unquote(local)
		return local, host, ok
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.IndexFunc(atom, func(r rune) bool { return !isAtom(r) }) >= 0 {
			return "", "", false
		}
	}
	return local, host, true
}

// unquote reads a quoted string: printable ASCII, quotes and backslashes behind a backslash.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return "", false
	}
	var b strings.Builder
	for s = s[1 : len(s)-1]; s != ""; s = s[1:] {
		if s[0] == '\\' && len(s) > 1 {
			s = s[1:]
		} else if s[0] == '\\' || s[0] == '"' {
			return "", false
		}
		if s[0] < ' ' || s[0] > '~' {
			return "", false
		}
		b.WriteByte(s[0])
	}
	return b.String(), true
}

// isAtom reports whether r may stand in an atom (RFC 2822, 3.2.4).
func isAtom(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// isHost reports whether s is labels of letters, digits, hyphens and underscores; no final period, so that one host
// has one spelling.
func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.IndexFunc(label, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
		}) >= 0 {
			return false
		}
	}
	return true
}

// hostWithin holds a host against a host, or with a leading period against all hosts of a domain but itself.
func hostWithin(host, base string) bool {
	if strings.HasPrefix(base, ".") {
		return len(host) > len(base) && strings.EqualFold(host[len(host)-len(base):], base)
	}
	return strings.EqualFold(host, base)
}

// uriHost returns the host of a URI. One without a host name cannot be held against a constraint (RFC 5280,
// 4.2.1.10).
func uriHost(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || !isHost(u.Hostname()) {
		return "", false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return "", false
	}
	return u.Hostname(), true
}
