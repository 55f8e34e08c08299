package models

// Pipelined is for tests of what no act of this package does.
var Pipelined = (*Store).pipelined
