//! Completions in the shells that they are for, and what `--version` and `man` say.

use std::process::Command;

use crate::harness::{Project, peers};

/// What a shell offers for this line: the words of its list, or the line as it becomes.
struct Shell {
    program: &'static str,
    arguments: fn(&str) -> Vec<String>,
}

/// Calls the function that `complete` has registered, as bash does for a tab.
const BASH: &str = r#"
source <(workerd-lite completions bash)
words=($1); [[ $1 == *' ' ]] && words+=('')
# Bash takes an equals sign for a word.
split=(); for word in "${words[@]}"; do
  if [[ $word == -*=* ]]; then split+=("${word%%=*}" = "${word#*=}"); else split+=("$word"); fi
done
[[ -z ${split[-1]} && ${split[-2]} == = ]] && unset 'split[-1]'
COMP_WORDS=("${split[@]}"); COMP_CWORD=$((${#split[@]} - 1)); COMP_LINE=$1; COMP_POINT=${#1}
registered=($(complete -p workerd-lite))
# Outside of a tab it tells what it was asked for.
compopt() { case "$*" in *dirnames) compgen -d -- "$cur" ;; '+o default') nothing=1 ;; esac }
"${registered[-2]}" workerd-lite "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
[[ ${#COMPREPLY[@]} -gt 0 || -n $nothing || " ${registered[*]} " != *' -o default '* ]] || compgen -f -- "${split[-1]#=}"
"#;

/// A tab in an interactive zsh on a pseudo-terminal.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-colors ''; setopt NO_BEEP NO_LIST_AMBIGUOUS; source <(workerd-lite completions zsh); print REA''DY"
while zpty -r shell line; do [[ $line == *READY* ]] && break; done
zpty -w -n shell "$1"$'\t'
sleep 0.7
zpty -w -n shell $'\C-u'"print DO''NE"$'\n'
while zpty -r shell line; do print -r -- "$line"; [[ $line == *DONE* ]] && break; done
"#;

const FISH: &str = "workerd-lite completions fish | source; complete -C $argv[1]";

const SHELLS: [Shell; 3] = [
    Shell {
        program: "bash",
        arguments: |line| ["--norc", "-c", BASH, "bash", line].map(str::to_owned).to_vec(),
    },
    Shell {
        program: "zsh",
        arguments: |line| ["-f", "-c", ZSH, "zsh", line].map(str::to_owned).to_vec(),
    },
    Shell {
        program: "fish",
        arguments: |line| ["--no-config", "-c", FISH, line].map(str::to_owned).to_vec(),
    },
];

/// A line, what is offered for it, and what is not.
const LINES: [(&str, &[&str], &[&str]); 9] = [
    ("workerd-lite s", &["serve", "schema"], &["check", "agent.js"]),
    (
        "workerd-lite serve --insp",
        &["--inspect", "--inspect-brk"],
        &["--listen"],
    ),
    ("workerd-lite serve --su", &[], &["--supervised"]),
    ("workerd-lite serve ag", &["agent.js"], &["--listen"]),
    ("workerd-lite check --config wr", &["wrangler.jsonc"], &["agent.js"]),
    ("workerd-lite test po", &["policy.test.js"], &["agent.js"]),
    ("workerd-lite test --reporter j", &["json", "junit"], &["pretty"]),
    ("workerd-lite completions z", &["zsh"], &["bash"]),
    ("workerd-lite init su", &["sub"], &["agent.js"]),
];

#[test]
fn commands_options_words_and_files_are_completed() {
    let project = Project::new(&[
        ("agent.js", ""),
        ("wrangler.jsonc", ""),
        ("policy.test.js", ""),
        ("sub/x", ""),
    ]);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_workerd-lite"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    for shell in &SHELLS {
        if !peers::has(shell.program, &format!("apt-get install {}", shell.program)) {
            continue;
        }
        for (line, offered, others) in LINES {
            let output = Command::new(shell.program)
                .args((shell.arguments)(line))
                .current_dir(project.path())
                .env("PATH", &path)
                .env("TERM", "dumb")
                .env("HOME", project.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(errors.is_empty(), "{} {line}: {errors}", shell.program);
            let said = said.replace("\u{1b}[0m", " ");
            let words: Vec<&str> = said.split_whitespace().map(|word| word.trim_end_matches('/')).collect();
            for word in offered {
                assert!(
                    words.contains(word),
                    "{}: {line:?} offers no {word}: {said}",
                    shell.program
                );
            }
            for word in others {
                assert!(
                    !words.contains(word),
                    "{}: {line:?} offers {word}: {said}",
                    shell.program
                );
            }
        }
    }
}

#[test]
fn each_command_says_its_version_the_commit_and_v8s() {
    let project = Project::new(&[]);
    let (code, short, _) = project.run(&["-V"]);
    assert_eq!(
        (code, short.as_str()),
        (Some(0), concat!("workerd-lite ", env!("CARGO_PKG_VERSION"), "\n"))
    );
    let (code, long, _) = project.run(&["--version"]);
    assert!(
        code == Some(0) && long.contains(", V8 ") || long.contains("(V8 "),
        "{long}"
    );
    assert_eq!(project.run(&["serve", "-V"]).1, short.replace(' ', "-serve "));
    // Only a repository has a commit.
    let commit = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    if let Ok(commit) = commit
        && commit.status.success()
    {
        let commit = String::from_utf8_lossy(&commit.stdout).into_owned();
        assert!(long.contains(&commit[..7]), "{long} is of {commit}");
    }
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let project = Project::new(&[]);
    let (code, _, error) = project.run(&["man", "--dir", "pages/man1"]);
    assert_eq!(code, Some(0), "{error}");
    let (_, help, _) = project.run(&["--help"]);
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_whitespace()
                .next()
                .filter(|_| line.starts_with("  ") && !line.starts_with("   "))
        })
        .filter(|name| *name != "help");
    let mut pages = 0;
    for name in commands {
        let page = std::fs::read_to_string(project.path().join(format!("pages/man1/workerd-lite-{name}.1"))).unwrap();
        assert!(page.contains(".SH OPTIONS") && page.contains(".SH SYNOPSIS"), "{page}");
        assert_eq!(project.run(&["man", name]).1, page);
        pages += 1;
    }
    assert!(pages >= 9, "{help}");
    let (code, _, error) = project.run(&["man", "none"]);
    assert!(code == Some(1) && error.contains("no command none"), "{error}");
    if !peers::has("man", "apt-get install man-db") {
        return;
    }
    let page = project.path().join("pages/man1/workerd-lite.1");
    let output = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l"])
        .arg(page)
        .env("MANWIDTH", "80")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let (text, warnings) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(warnings.is_empty(), "{warnings}");
    for part in ["NAME", "workerd-lite-serve(1)", "SIGHUP", "EXIT STATUS"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
