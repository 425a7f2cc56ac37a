# make book          execute the chapters, build the site into _build/html     执行各章，生成网站
# make serve         look at it on http://127.0.0.1:8000 (PORT=…)             在本机查看
# make live          read it and run its cells, here (PORT=…, OPEN=0)         边读边在本机运行
# make lab           open the notebooks in JupyterLab                         在 JupyterLab 里打开
# make pdf           print it, a file for each language, into _build/pdf      每种语言印一份 PDF
# make assignments   the students' versions into _build/assignments           生成作业的学生版
# make grade         ASSIGNMENT=forward SUBMISSIONS=folder-or-zip OUT=folder  批改一个文件夹或 zip 里的作业
#                    (PLAN=1: only say whose they are; ROSTER=list of students or the platform's grade sheet, which is
#                    filled in OUT/give_back; COURSE=course.toml: due dates)   （PLAN=1 只看是谁的；ROSTER=名单，或者
#                                                                              平台的成绩表，填好放进 OUT/give_back；
#                                                                              COURSE=course.toml 写截止时间）
# make mark          OUT=folder: a page for marking the written answers (PORT=…, OPEN=0)       打开给说明题打分的网页
# make total         COURSE=course.toml: totals with weights and drops, into total.csv        总评，写进 total.csv
# make similarity    OUT=folder [BEFORE=last year's]: answers with unusual passages in common, to look at
#                                                                               列出有少见的相同段落的答案，供老师看
# make class         a JupyterHub with a teacher and two students (PORT=…)    试开一个班
# make test          run everything that checks the book                      运行全部检查
# make test-all      that, and what takes hours                                运行全部检查，加上很慢的那些
# make clean         remove what was built; environment and class stay        清除生成的文件，环境和试开的班留着

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: book assignments serve live class pdf lab grade mark total similarity lint test test-all clean requirements audit
.DELETE_ON_ERROR:

book: $(VENV)/book.stamp
	@$(BIN)/python book/build.py

serve: book
	@$(BIN)/python book/lifetime.py $(BIN)/python book/serve.py --port $(PORT)

# A port of its own each time, unless one is named: what a browser kept from whoever had the port before is not let in.
live: book
	@$(BIN)/python book/live.py $(if $(filter file,$(origin PORT)),,--port $(PORT)) $(if $(filter 0 no,$(OPEN)),--no-open)

assignments: $(VENV)/book.stamp
	@$(BIN)/python classroom/assignments.py

class: $(VENV)/test.stamp
	@$(BIN)/python classroom/hub/try_out.py --port $(PORT)

pdf: book $(VENV)/test.stamp
	@$(BIN)/python book/pdf.py

lab: $(VENV)/book.stamp
	@$(BIN)/python book/lifetime.py $(BIN)/python book/lab.py

grade: $(VENV)/classroom.stamp
	@test -n "$(ASSIGNMENT)" -a -n "$(SUBMISSIONS)" -a -n "$(OUT)" \
		|| { echo "make grade ASSIGNMENT=forward SUBMISSIONS=dir-or-zip OUT=dir [PLAN=1] [ROSTER=list] [COURSE=course.toml] [SHARDS=n] [UNSAFE=1]" >&2; exit 1; }
	@$(BIN)/python classroom/grade.py all --assignment "$(ASSIGNMENT)" --submissions "$(SUBMISSIONS)" --out "$(OUT)" \
		$(if $(ROSTER),--roster "$(ROSTER)") $(if $(COURSE),--course "$(COURSE)") $(if $(filter 1 yes,$(PLAN)),--plan) $(if $(SHARDS),--shards $(SHARDS)) $(if $(filter 1 yes,$(UNSAFE)),--unsafe)

mark: $(VENV)/classroom.stamp
	@test -n "$(OUT)" || { echo "make mark OUT=dir-of-make-grade [PORT=n] [OPEN=0]" >&2; exit 1; }
	@$(BIN)/python book/lifetime.py $(BIN)/python classroom/mark.py --out "$(OUT)" $(if $(filter file,$(origin PORT)),,--port $(PORT)) $(if $(filter 0 no,$(OPEN)),--no-open)

total: $(VENV)/classroom.stamp
	@test -n "$(COURSE)" || { echo "make total COURSE=course.toml" >&2; exit 1; }
	@$(BIN)/python classroom/total.py --course "$(COURSE)"

similarity: $(VENV)/classroom.stamp
	@test -n "$(OUT)" || { echo "make similarity OUT=dir-of-make-grade [BEFORE=last-year's-OUT-or-notebooks]" >&2; exit 1; }
	@$(BIN)/python classroom/similarity.py --out "$(OUT)" $(if $(BEFORE),--before "$(BEFORE)")

lint: $(VENV)/test.stamp
	@$(BIN)/ruff check .

# In parallel, each file as a whole, since its tests share what takes long to start, and in the order of tests/conftest.py.
TESTS := $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder
test: lint
	@$(TESTS)

test-all: lint
	@$(TESTS) -m "exhaustive or not exhaustive"

clean:
	@"$(PYTHON)" book/clean.py

# Everything by hash but torch: pip refuses to mix the two, and which build of torch, the CPU's or CUDA's, is left to the
# index that the machine has. Its range is that of requirements.txt, what it needs besides is locked as well.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries=2
PIP_SAID := $(VENV)/pip.txt
NO_PACKAGES := pip could not install the packages; $(PIP_SAID) has what it said. It has to reach PyPI, or a mirror that \
 you have set, and room on the disk. Then run make again. · pip 没能装好软件包，它说的全在 $(PIP_SAID)：要连得上 PyPI \
 或你设好的镜像，磁盘也要有空间；然后再运行一次 make。
OR_SAY_SO := >$(PIP_SAID) 2>&1 || { echo "$(NO_PACKAGES)" >&2; exit 1; }
LOCKED := $(PIP) --require-hashes --no-deps --no-build-isolation -r
$(VENV)/book.stamp: locks/build.txt locks/requirements.txt requirements.txt pyproject.toml | $(BIN)/python
	@$(LOCKED) locks/build.txt $(OR_SAY_SO)
	@$(LOCKED) locks/requirements.txt $(OR_SAY_SO)
	@$(PIP) --constraint requirements.txt torch $(OR_SAY_SO)
	@$(PIP) --no-deps --no-build-isolation -e . $(OR_SAY_SO)
	@touch $@

$(VENV)/classroom.stamp: locks/requirements-classroom.txt $(VENV)/book.stamp
	@$(LOCKED) locks/requirements-classroom.txt $(OR_SAY_SO)
	@touch $@

# torch 2.13 goes with torchvision 0.28. Without their dependencies, since they must not replace torch; only their Python
# is used.
TORCHVISION := $(BIN)/python -c 'import torch; minor = int(torch.__version__.split(".")[1]); print(f"0.{minor + 15}.*")'
$(VENV)/test.stamp: locks/requirements-test.txt $(VENV)/book.stamp $(VENV)/classroom.stamp
	@$(LOCKED) locks/requirements-test.txt $(OR_SAY_SO)
	@$(BIN)/python book/npm.py
	@$(PIP) --no-deps "torchvision==$$($(TORCHVISION))" timm==1.0.31 >$(PIP_SAID) 2>&1 \
		|| echo "Without torchvision and timm, the tests that need them are skipped. · 没有 torchvision 和 timm，用到它们的测试会跳过。"
	@touch $@

NEEDS := Python 3.10 or newer with venv is needed (on Debian: apt install python3-venv); PYTHON=… names another. \
 · 需要带 venv 的 Python 3.10 或更新版本（Debian 上：apt install python3-venv），可用 PYTHON=… 指定。

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
		|| { echo "$(NEEDS)" >&2; exit 1; }
	@echo "Setting up $(VENV), once · 正在准备环境，只需一次"
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "$(NEEDS)" >&2; exit 1; }

# For maintainers.
# make requirements  pins anew what the *.in ask for, and what npm has; shows what changed     更新锁定的版本，列出变化
# make audit         looks for known faults in what is pinned, where there is a network        查已知的漏洞
requirements: .uv/stamp
	@.uv/bin/python scripts/update_locks.py

audit: .uv/stamp
	@.uv/bin/python scripts/audit.py

.uv/stamp: locks/tools.txt
	@"$(PYTHON)" -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r locks/tools.txt
	@touch $@
