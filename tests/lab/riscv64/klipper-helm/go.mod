module riscv.k3s/lab/riscv64/klipper-helm

go 1.23.0
