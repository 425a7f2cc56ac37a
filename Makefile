# make book          execute the chapters, build the site into _build/html     执行各章，生成网站
# make serve         look at it on http://127.0.0.1:8000 (PORT=…)             在本机查看
# make live          read it and run its cells, here (PORT=…, OPEN=0)         边读边在本机运行
# make lab           open the notebooks in JupyterLab                         在 JupyterLab 里打开
# make pdf           print it, a file for each language, into _build/pdf      每种语言印一份 PDF
# make assignments   the students' versions into _build/assignments           生成作业的学生版
# make grade         ASSIGNMENT=forward SUBMISSIONS=folder-or-zip OUT=folder  批改一个文件夹或 zip 里的作业
# make class         a JupyterHub with a teacher and two students (PORT=…)    试开一个班
# make test          run everything that checks the book                      运行全部检查
# make clean         remove what was built; environment and class stay        清除生成的文件，环境和试开的班留着

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: book assignments serve live class pdf lab grade lint test clean requirements
.DELETE_ON_ERROR:

book: $(VENV)/book.stamp
	@$(BIN)/python book/build.py

serve: book
	@echo "http://127.0.0.1:$(PORT)/  (Ctrl+C)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

live: book
	@$(BIN)/python book/live.py --port $(PORT) $(if $(filter 0 no,$(OPEN)),--no-open)

assignments: $(VENV)/book.stamp
	@$(BIN)/python classroom/assignments.py

class: $(VENV)/test.stamp
	@$(BIN)/python classroom/hub/try_out.py --port $(PORT)

pdf: book $(VENV)/test.stamp
	@$(BIN)/python book/pdf.py

lab: $(VENV)/book.stamp
	@$(BIN)/jupyter lab --notebook-dir=notebooks

grade: $(VENV)/classroom.stamp
	@test -n "$(ASSIGNMENT)" -a -n "$(SUBMISSIONS)" -a -n "$(OUT)" \
		|| { echo "make grade ASSIGNMENT=forward SUBMISSIONS=dir-or-zip OUT=dir [SHARDS=n] [UNSAFE=1]" >&2; exit 1; }
	@$(BIN)/python classroom/grade.py all --assignment "$(ASSIGNMENT)" --submissions "$(SUBMISSIONS)" --out "$(OUT)" \
		$(if $(SHARDS),--shards $(SHARDS)) $(if $(filter 1 yes,$(UNSAFE)),--unsafe)

lint: $(VENV)/test.stamp
	@$(BIN)/ruff check .

test: lint
	@$(BIN)/python -m pytest

# A class holds what was handed in and marked.
clean:
	rm -rf assignments classroom/release
	test ! -d _build || find _build -mindepth 1 -maxdepth 1 ! -name class -exec rm -rf {} +

# pip may take torch's CPU or CUDA build: requirements.txt leaves that to the index it is given.
$(VENV)/book.stamp: requirements.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/classroom.stamp: requirements-classroom.txt $(VENV)/book.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-classroom.txt
	@touch $@

# torch 2.13 goes with torchvision 0.28. Without its dependencies, since it must not replace torch; only its Python is used.
TORCHVISION := $(BIN)/python -c 'import torch; minor = int(torch.__version__.split(".")[1]); print(f"0.{minor + 15}.*")'
$(VENV)/test.stamp: requirements-test.txt $(VENV)/book.stamp $(VENV)/classroom.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@PYTHONPATH=book $(BIN)/python -c 'import bundle; bundle.npm()'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "torchvision==$$($(TORCHVISION))" \
		|| echo "Without torchvision, the tests that compare with it are skipped. · 没有 torchvision，与它对照的测试会跳过。"
	@touch $@

NEEDS := Python 3.10 or newer with venv is needed (on Debian: apt install python3-venv); PYTHON=… names another. \
 · 需要带 venv 的 Python 3.10 或更新版本（Debian 上：apt install python3-venv），可用 PYTHON=… 指定。

$(BIN)/python:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
		|| { echo "$(NEEDS)" >&2; exit 1; }
	@echo "Setting up $(VENV), once · 正在准备环境，只需一次"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(NEEDS)" >&2; exit 1; }

# For maintainers: pins anew what requirements*.in ask for. torch stays the range it is there, and what only its CUDA
# build needs stays out, so that pip takes the build which the machine's package index offers.
COMPILE := .uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-header --no-annotate
requirements:
	@$(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv
	@{ echo "# Pinned by \`make requirements\` from requirements.in."; grep '^torch[<>=]' requirements.in; \
		$(COMPILE) requirements.in | grep -vE '^(torch|triton|(cuda|nvidia)-[a-z0-9-]+)=='; } > requirements.new
	@mv requirements.new requirements.txt
	@{ echo "# Pinned by \`make requirements\` from requirements-test.in."; \
		$(COMPILE) requirements-test.in; } > requirements-test.new
	@mv requirements-test.new requirements-test.txt
	@{ echo "# Pinned by \`make requirements\` from requirements-classroom.in."; \
		$(COMPILE) requirements-classroom.in; } > requirements-classroom.new
	@mv requirements-classroom.new requirements-classroom.txt
	@rm -rf .uv
