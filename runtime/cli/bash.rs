//! Completions for bash. clap_complete's own name the functions of a program with a hyphen in two ways, so that none of its
//! commands is completed, and offer options where a file is wanted.

use std::fmt::Write as _;

use clap::{Arg, ValueHint};

/// The start: which command it is, and the word before. In `--option=word` bash sees three words.
const START: &str = r"_workerd_lite() {
    local cur=$2 prev=$3 command= index
    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
            COMMANDS) command=${COMP_WORDS[index]}; break ;;
        esac
    done
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    case $command:$prev in
";

/// The end. Where the function has no word, readline completes a file.
const END: &str = r"    esac
}
complete -o default -F _workerd_lite workerd-lite
";

/// The script.
pub(super) fn script(program: &clap::Command) -> String {
    let commands: Vec<&str> = names(program).collect();
    let mut script = START.replace("COMMANDS", &commands.join("|"));
    let mut words = String::new();
    case(&mut script, &mut words, "", program, &commands);
    for command in program.get_subcommands() {
        let inner: Vec<&str> = if command.get_name() == "help" {
            commands.clone()
        } else {
            Vec::new()
        };
        case(&mut script, &mut words, command.get_name(), command, &inner);
    }
    let _ = writeln!(script, "        *)\n            case $command:$cur in");
    script.push_str(&words);
    let _ = writeln!(script, "            esac\n            ;;");
    script.push_str(END);
    script
}

fn names(program: &clap::Command) -> impl Iterator<Item = &str> {
    let commands = program.get_subcommands();
    commands
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
}

/// Adds a command: what follows each option that takes a value, and the words where none does.
fn case(values: &mut String, words: &mut String, name: &str, command: &clap::Command, inner: &[&str]) {
    let mut options = Vec::new();
    let mut positional: Vec<String> = inner.iter().map(|&word| word.to_owned()).collect();
    for argument in command.get_arguments() {
        if argument.is_positional() {
            positional.extend(possible(argument));
            continue;
        }
        let mut flags: Vec<String> = argument
            .get_short()
            .map(|short| format!("-{short}"))
            .into_iter()
            .collect();
        flags.extend(argument.get_long().map(|long| format!("--{long}")));
        if argument.get_action().takes_values() && !argument.is_require_equals_set() {
            let patterns: Vec<String> = flags.iter().map(|flag| format!("{name}:{flag}")).collect();
            let _ = writeln!(values, "        {}) {} ;;", patterns.join(" | "), complete(argument));
        }
        options.extend(flags);
    }
    let _ = writeln!(words, "                {name}:-*) {} ;;", words_of(&options));
    if !positional.is_empty() {
        let _ = writeln!(words, "                {name}:*) {} ;;", words_of(&positional));
    }
}

/// The words that an argument takes, where it takes no others.
fn possible(argument: &Arg) -> Vec<String> {
    let values = argument.get_possible_values().into_iter();
    values
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect()
}

/// What is done for the value of an option.
fn complete(argument: &Arg) -> String {
    let values = possible(argument);
    match argument.get_value_hint() {
        _ if !values.is_empty() => words_of(&values),
        ValueHint::DirPath => "compopt -o dirnames".into(),
        ValueHint::AnyPath | ValueHint::FilePath => ":".into(),
        // A number, a name or an address: nothing is offered.
        _ => "compopt +o default".into(),
    }
}

fn words_of(words: &[String]) -> String {
    format!("COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))", words.join(" "))
}
