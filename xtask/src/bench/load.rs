//! What wrk sends: small scripts in Lua. They count as refused what was not answered as it should be.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::service::{Credentials, IMAGE, LOGIN, PASSWORD};
use crate::shell::{Doing, Outcome};

/// Where scripts are written, and the token that they present.
pub(super) struct Scripts<'a> {
    pub(super) folder: &'a Path,
    pub(super) token: &'a str,
}

impl Scripts<'_> {
    /// The list of a project's credentials, over and over.
    pub(super) fn list(&self, name: &str, project: &str) -> Outcome<PathBuf> {
        self.same(name, &list(project))
    }

    /// The same pull, over and over.
    pub(super) fn pull(&self, project: &str) -> Outcome<PathBuf> {
        let body = json!({"project": project, "image": IMAGE});
        self.same("pull", &body.to_string())
    }

    /// The same credentials, over and over.
    pub(super) fn get(&self, of: &Credentials) -> Outcome<PathBuf> {
        let query = "query($id: UUID!, $projectId: UUID!) { dockerCredentials(id: $id, projectId: $projectId) \
                     { id registry username lastUpdate } }";
        let variables = json!({"id": of.id, "projectId": of.project});
        let body = json!({"query": query, "variables": variables});
        self.same("get", &body.to_string())
    }

    /// The same login, over and over.
    pub(super) fn login(&self) -> Outcome<PathBuf> {
        let body = json!({"login": LOGIN, "password": PASSWORD});
        self.same("login", &body.to_string())
    }

    /// A read of OpenBao, over and over.
    pub(super) fn read_secret(&self) -> Outcome<PathBuf> {
        let lua = format!("wrk.headers['x-vault-token'] = '{}'\n", self.token);
        script(self.folder, "read-secret", &lua)
    }

    /// A new secret of OpenBao each time, with what the credentials of `create` have.
    pub(super) fn write_secret(&self) -> Outcome<PathBuf> {
        let body = json!({"data": {"registryKey": "registry.example.com", "username": "ci-bot", "password": "SERIAL"}});
        let lua = format!(
            "{SERIAL}wrk.method = 'POST'\nwrk.headers['x-vault-token'] = '{}'\n\
             function request()\n  local serial = next_serial()\n  \
             return wrk.format(nil, wrk.path .. serial, nil, (string.gsub([[{body}]], 'SERIAL', serial)))\nend\n",
            self.token
        );
        script(self.folder, "write-secret", &lua)
    }

    /// New credentials each time, in the projects by turns.
    pub(super) fn create(&self, projects: &[String]) -> Outcome<PathBuf> {
        let query = "mutation($c: DockerCredentialsInput) { createDockerCredentials(dockerCredentials: $c) { id } }";
        let input = json!({"registry": "registry.example.com", "username": "SERIAL",
                           "password": "correct horse battery staple", "projectId": "PROJECT"});
        let body = json!({"query": query, "variables": {"c": input}}).to_string();
        self.by_turns(
            "create",
            &body,
            projects.iter().map(|project| (project.as_str(), "")),
        )
    }

    /// Another password each time, of the credentials by turns.
    pub(super) fn upgrade(&self, of: &[Credentials]) -> Outcome<PathBuf> {
        let query = "mutation($u: DockerCredentialsUpdate) \
                     { updateDockerCredentials(dockerCredentialsUpdate: $u) { id } }";
        let input = json!({"id": "CREDENTIALS", "projectId": "PROJECT", "registry": "registry.example.com",
                           "password": "correct horse SERIAL"});
        let body = json!({"query": query, "variables": {"u": input}}).to_string();
        let of = of.iter().map(|of| (of.project.as_str(), of.id.as_str()));
        self.by_turns("upgrade", &body, of)
    }

    /// The list of any project of an installation that `fill` has filled; its output is in the file.
    pub(super) fn list_of_any(&self, name: &str, filled: &Path) -> Outcome<PathBuf> {
        let token = format!("'{}'", self.token);
        any(self.folder, name, &list("PROJECT"), &token, filled)
    }

    /// A pull in any project, by the project's own token.
    pub(super) fn pull_of_any(&self, name: &str, filled: &Path) -> Outcome<PathBuf> {
        let body = json!({"project": "PROJECT", "image": IMAGE}).to_string();
        any(self.folder, name, &body, "tokens[number]", filled)
    }

    fn same(&self, name: &str, body: &str) -> Outcome<PathBuf> {
        let lua = format!("{}wrk.body = [[{body}]]\n", self.posting());
        script(self.folder, name, &lua)
    }

    fn by_turns<'a>(
        &self,
        name: &str,
        body: &str,
        of: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Outcome<PathBuf> {
        let of = of.map(|(project, id)| format!("{{PROJECT='{project}',CREDENTIALS='{id}'}}"));
        let of = of.collect::<Vec<_>>().join(",");
        let lua = format!(
            "{}{SERIAL}local of = {{{of}}}\nlocal turn = 0\nfunction request()\n  turn = turn % #of + 1\n  \
             local words = of[turn]\n  words.SERIAL = next_serial()\n  \
             return wrk.format(nil, nil, nil, (string.gsub([[{body}]], '%u%u%u%u+', words)))\nend\n",
            self.posting()
        );
        script(self.folder, name, &lua)
    }

    fn posting(&self) -> String {
        format!(
            "{JSON}wrk.headers['authorization'] = 'Bearer {}'\n",
            self.token
        )
    }
}

fn list(project: &str) -> String {
    let query = "query($projectId: UUID!) { allDockerCredentials(projectId: $projectId) \
                 { id registry username lastUpdate jobs { id } } }";
    json!({"query": query, "variables": {"projectId": project}}).to_string()
}

/// All projects are equally likely, so that no cache has it easier than it would.
fn any(folder: &Path, name: &str, body: &str, token: &str, filled: &Path) -> Outcome<PathBuf> {
    let lua = format!(
        r"{JSON}local projects, tokens = {{}}, {{}}
for line in io.lines([[{}]]) do
  local project, token = string.match(line, '(%S+) (%S+)')
  table.insert(projects, project)
  table.insert(tokens, token)
end
math.randomseed(os.time())
function request()
  local number = math.random(#projects)
  wrk.headers['authorization'] = 'Bearer ' .. {token}
  return wrk.format(nil, nil, nil, (string.gsub([[{body}]], 'PROJECT', projects[number])))
end
",
        filled.display()
    );
    script(folder, name, &lua)
}

/// An answer with errors counts as none: GraphQL tells them with status 200.
fn script(folder: &Path, name: &str, lua: &str) -> Outcome<PathBuf> {
    let text = format!("{lua}{TELLING}");
    let file = folder.join(format!("{name}.lua"));
    fs::write(&file, text).doing(format_args!("write {}", file.display()))?;
    Ok(file)
}

const JSON: &str = "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\n";

/// A text that no other request has, of this run or of another.
const SERIAL: &str = "\
local serial, run = 0, ''
function init()
  math.randomseed(os.time())
  run = os.time() .. '-' .. math.random(1000000000) .. '-'
end
local function next_serial() serial = serial + 1; return run .. serial end
";

const TELLING: &str = r#"
local counting
function setup(thread) counting = thread end
refused = 0
function response(status, headers, body)
  if status ~= 200 or string.find(body, '"errors"', 1, true) then refused = refused + 1 end
end
function done(summary, latency)
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print("refused " .. counting:get("refused") + broken)
  print("requests " .. summary.requests)
  print("rate " .. summary.requests / (summary.duration / 1000000))
  print("p50 " .. latency:percentile(50))
  print("p99 " .. latency:percentile(99))
end
"#;
