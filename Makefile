# The same commands for those whose fingers say make; ./dev does the work.
.PHONY: run demo test test-long chaos soak lab-fuzz lint types bench setup lock
run demo test test-long chaos soak lint types setup lock:
	@./dev $@
bench: # make bench QUICK=1
	@./dev $@ $(if $(QUICK),--quick)
lab-fuzz: # make lab-fuzz N=5000
	@./dev $@ $(N)
