package autograd

// Rule is a differentiable function, with the cases its gradient is checked
// on: every rule is compared with central differences in float64.
type Rule struct {
	Name  string
	Cases []GradCase
}

// GradCase is a function of float inputs. F builds it on a tape; the check
// differentiates sum(w * F(inputs)) for random fixed w with respect to every
// input, elementwise.
type GradCase struct {
	Name   string
	Shapes [][]int // inputs, drawn from N(0, 1) unless Gen is set
	Gen    func(input, i int, normal float64) float64
	F      func(t *Tape, in []*Var) *Var
	Step   float64 // of the central difference; 0 means 1e-5
	Tol    float64 // relative to the largest gradient; 0 means 1e-6
}

var rules []Rule

// rule registers a differentiable function; call it from a package variable
// beside the function.
func rule(name string, cases ...GradCase) struct{} {
	rules = append(rules, Rule{name, cases})
	return struct{}{}
}

// Rules returns every differentiable function with its cases.
func Rules() []Rule { return rules }
