module riscv.k3s/lab/klipper-helm

go 1.23.0
