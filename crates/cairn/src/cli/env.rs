//! `cairn env`.

use super::{DataDirOption, fail};
use cairn_world::World;
use std::path::Path;
use std::process::ExitCode;

/// Print shell commands that point `aws`, boto3 and other AWS clients at a Cairn.
///
/// Use it as eval "$(cairn env)". Keys that the shell has already are taken out of its way.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataDirOption,
}

pub fn run(args: &Args) -> ExitCode {
    match environment(&World::system(), &args.data.data_dir) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => fail(&message),
    }
}

fn environment(world: &World, data_dir: &Path) -> Result<String, String> {
    let path = std::path::absolute(data_dir).map_err(|error| format!("{}: {error}", data_dir.display()))?;
    let config = path.join("aws/config");
    let bytes = world.disk.read(&config).map_err(|error| {
        format!("{}: {error}; `cairn serve --data-dir {}` makes it", config.display(), data_dir.display())
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once('=')).map(|(_, value)| value.trim().to_owned())
    };
    let (url, region) = value("endpoint_url")
        .zip(value("region"))
        .ok_or_else(|| format!("{}: it has no endpoint_url and region", config.display()))?;
    let credentials = path.join("aws/credentials");
    Ok(format!(
        "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE\n\
         export AWS_CONFIG_FILE={}\n\
         export AWS_SHARED_CREDENTIALS_FILE={}\n\
         export AWS_ENDPOINT_URL={}\n\
         export AWS_DEFAULT_REGION={}\n\
         export AWS_REGION={}\n",
        quoted(&config.display().to_string()),
        quoted(&credentials.display().to_string()),
        quoted(&url),
        quoted(&region),
        quoted(&region),
    ))
}

/// One word for a POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_directory_name_stays_one_word() {
        assert_eq!(quoted("/tmp/a b"), "'/tmp/a b'");
        assert_eq!(quoted("/tmp/$(x)'y"), r"'/tmp/$(x)'\''y'");
    }

    #[test]
    fn the_environment_names_the_files_and_the_endpoint() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::system();
        assert!(environment(&world, dir.path()).unwrap_err().contains("cairn serve"));
        world.disk.create_dir_all(&dir.path().join("aws")).unwrap();
        let config = b"[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\n";
        world.disk.write_atomic(&dir.path().join("aws/config"), config).unwrap();
        let text = environment(&world, dir.path()).unwrap();
        assert!(text.contains("export AWS_ENDPOINT_URL='http://127.0.0.1:1'"), "{text}");
        assert!(text.contains("export AWS_REGION='eu-west-1'"), "{text}");
    }
}
