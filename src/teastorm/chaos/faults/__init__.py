"""One file a fault: begin, prove, hold, end, verify."""
