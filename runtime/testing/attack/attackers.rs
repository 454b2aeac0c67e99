//! In whose name the policy is attacked, and by which of its entrypoints.

use std::collections::BTreeSet;

use crate::host::Project;

/// Of a folder of agents, so many tenants' are taken.
const FOUND: usize = 8;

/// One of them.
pub(super) struct Attacker {
    /// The agent's place in the project.
    pub(super) place: usize,
    /// Which of its ways into the policy is taken; that of its requests without.
    pub(super) door: Option<u32>,
    /// As findings name it.
    pub(super) label: String,
    /// Its name and its tenant's, which paths may hold.
    pub(super) words: Vec<String>,
}

/// Who attacks, and what else there is that is not attacked.
#[derive(Default)]
pub(super) struct Attackers {
    pub(super) all: Vec<Attacker>,
    /// The agents' names.
    pub(super) names: Vec<String>,
    /// Sentences.
    pub(super) left_out: Vec<String>,
}

impl Attackers {
    /// Each listed agent, and of a folder the first of each tenant. Where agents have services of the policy, each of its entrypoints once.
    pub(super) fn of(project: &Project) -> Self {
        let mut attackers = Self::default();
        for (place, agent) in project.agents().enumerate() {
            attackers.add(place, agent.worker.name.clone(), agent.tenant.as_deref());
        }
        let found = project.folder_agents();
        let mut tenants = BTreeSet::new();
        let mut asked = 0;
        for name in &found {
            let tenant = name.split_once('/').map(|(tenant, _)| tenant);
            if asked == FOUND || !tenants.insert(tenant) {
                continue;
            }
            if let Some(place) = project.find_agent(Some(name)) {
                attackers.add(place, name.clone(), None);
                asked += 1;
            }
        }
        if asked < found.len() {
            attackers.left_out.push(format!(
                "of {} agents of agents_dir {asked} attack: one of each tenant, and of {FOUND} tenants at most",
                found.len()
            ));
        }
        attackers.add_doors(project);
        attackers
    }

    fn add(&mut self, place: usize, name: String, tenant: Option<&str>) {
        let mut words: Vec<String> = name.split('/').rev().map(ToOwned::to_owned).collect();
        words.extend(tenant.map(ToOwned::to_owned));
        words.dedup();
        self.names.push(name.clone());
        self.all.push(Attacker {
            place,
            door: None,
            label: name,
            words,
        });
    }

    fn add_doors(&mut self, project: &Project) {
        let mut known = BTreeSet::new();
        let mut called = Vec::new();
        for number in 0..self.all.len() {
            let (place, name) = (self.all[number].place, self.all[number].label.clone());
            for door in project.doors(place) {
                if !known.insert((door.entrypoint.clone(), door.props)) {
                    continue;
                }
                called.push(format!(
                    "{} (env.{} of {name})",
                    door.entrypoint.as_deref().unwrap_or("the default export"),
                    door.binding
                ));
                self.all.push(Attacker {
                    place,
                    door: Some(door.number),
                    label: format!("{name} by env.{}", door.binding),
                    words: Vec::new(),
                });
            }
        }
        if !called.is_empty() {
            self.left_out.push(format!(
                "only fetch() of what agents call is attacked, and no method of it: {}",
                called.join(", ")
            ));
        }
    }
}
