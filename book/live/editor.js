// A cell's code in an editor, in the place of the printed code.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/** `changed` is called where the code has been. */
export function edit(pre, label, run, changed) {
  const runKey = () => (run(), true);
  const view = new EditorView({
    doc: pre.textContent.replace(/\n$/, ""),
    extensions: [
      history(),
      bracketMatching(),
      indentOnInput(),
      indentUnit.of("    "),
      EditorState.tabSize.of(4),
      python(),
      syntaxHighlighting(classHighlighter),
      EditorView.lineWrapping,
      // Escape, then Tab, leaves the editor.
      keymap.of([{ key: "Shift-Enter", run: runKey }, { key: "Mod-Enter", run: runKey }, ...defaultKeymap, ...historyKeymap, indentWithTab]),
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
      // The copy button copies from the printed code.
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        pre.textContent = `${source()}\n`;
        changed();
      }),
    ],
  });
  const source = () => view.state.doc.toString();
  view.dom.classList.add("live-editor");
  // The page has keys of its own: / searches, j and k go from line to line.
  view.dom.addEventListener("keydown", (event) => event.stopPropagation());
  pre.hidden = true;
  pre.after(view.dom);
  return {
    source,
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text.replace(/\n$/, "") } }),
  };
}
