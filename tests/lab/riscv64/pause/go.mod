module riscv.k3s/lab/riscv64/pause

go 1.23.0
