#!/usr/bin/env bash
# Grades a class on a Slurm cluster: prepares here, one task of an array for each shard, then merges.
# 在 Slurm 集群上批改：先在这里准备，数组作业的每个任务批一片，最后合并。
#
#   classroom/cluster/slurm.sh forward /shared/submissions /shared/out 100      (from the repository's root)
#
# All nodes must see the folders, the repository and its .venv (`make .venv/classroom.stamp` sets that up); they need
# bubblewrap, and so does the machine where you type this. Run it again to go on after tasks that failed. Options for
# sbatch (--account=…, --partition=…) go into SBATCH_ACCOUNT, SBATCH_PARTITION, … PYTHON names another Python.
# 所有节点都要看得见这些文件夹、仓库和它的 .venv（用 `make .venv/classroom.stamp` 准备）；它们都要有 bubblewrap，敲这条命令的
# 机器也要有。有任务失败，再运行同一条命令就接着做。给 sbatch 的选项（--account=…、--partition=…）写进环境变量
# SBATCH_ACCOUNT、SBATCH_PARTITION……要用别的 Python，用 PYTHON 指定。
set -euo pipefail

if (($# != 4)); then
  echo "用法 · Usage: $0 ASSIGNMENT SUBMISSIONS OUT SHARDS" >&2
  exit 2
fi
assignment=$1 submissions=$2 out=$(realpath -m "$3") shards=$4
python=${PYTHON:-$PWD/.venv/bin/python}
cluster=$(dirname "$(realpath "$0")")
grade=$(dirname "$cluster")/grade.py

"$python" "$grade" prepare --assignment "$assignment" --submissions "$submissions" --out "$out" --shards "$shards"
mkdir -p "$out/log"
export OUT=$out PYTHON=$python GRADE=$grade
array=$(sbatch --parsable --export=ALL --array="0-$((shards - 1))" --output="$out/log/%a.txt" "$cluster/shard.sbatch")
merge=$(sbatch --parsable --export=ALL --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes \
  --output="$out/log/merge.txt" "$cluster/merge.sbatch")
echo "squeue --jobs ${array%%;*},${merge%%;*}      → $out/grades.csv"
