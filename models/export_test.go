package models

// Pipelined is for tests of what no act of this package does.
var Pipelined = (*Store).pipelined

// For tests of how names are compared.
var (
	LookAlikes  = lookAlikes
	Confusables = confusables
)

// Fault is for tests of errors that no act of this package makes.
var Fault = fault

// Healed is for tests of errors that this machine's servers do not word in that way.
var Healed = healed
