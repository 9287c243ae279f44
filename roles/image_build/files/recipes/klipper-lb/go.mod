module riscv.k3s/recipes/klipper-lb

go 1.23.0
