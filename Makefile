# The same commands for those whose fingers say make; ./dev does the work.
.PHONY: run test test-long lint types bench setup lock
run test test-long lint types bench setup lock:
	@./dev $@
