package models

// Pipelined is for tests of what no act of this package does.
var Pipelined = (*Store).pipelined

// Fault is for tests of errors that no act of this package makes.
var Fault = fault
