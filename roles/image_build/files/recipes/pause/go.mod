module riscv.k3s/recipes/pause

go 1.23.0
