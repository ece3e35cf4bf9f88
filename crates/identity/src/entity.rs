//! Users, roles and groups: made, renamed, tagged, let go.

use crate::model::{Assumable, Document, Entity, Owner, Page, Sort, Tags};
use crate::state::{Edit, State};
use crate::{Error, Identity, Inner, PolicyKind, draw, limit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SESSION_SECONDS_MAX: u32 = 3600;

/// What a new entity is to be.
#[derive(Clone, Debug)]
pub struct NewEntity {
    pub sort: Sort,
    pub name: String,
    /// `/` when nothing is said.
    pub path: Option<String>,
    pub tags: Tags,
    /// For roles, and only for them.
    pub role: Option<NewRole>,
}

#[derive(Clone, Debug)]
pub struct NewRole {
    pub trust: String,
    pub description: Option<String>,
    /// An hour when nothing is said.
    pub session_seconds_max: Option<u32>,
}

impl NewRole {
    fn read(self) -> Result<Assumable, Error> {
        limit::description(self.description.as_deref())?;
        let session_seconds_max = self.session_seconds_max.unwrap_or(SESSION_SECONDS_MAX);
        limit::session_seconds_max(session_seconds_max)?;
        Ok(Assumable { trust: trust(&self.trust)?, description: self.description, session_seconds_max })
    }
}

fn trust(text: &str) -> Result<Document, Error> {
    limit::document("a trust policy", text, limit::TRUST_CHARS_MAX)?;
    Document::read(text, PolicyKind::Trust)
}

impl Identity {
    pub fn entity(&self, account: &str, sort: Sort, name: &str) -> Result<Arc<Entity>, Error> {
        self.state().need(account, sort, name).cloned()
    }

    /// The entities of a sort under a path, in the order of their names.
    pub fn entities(
        &self,
        account: &str,
        sort: Sort,
        path_prefix: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Page<Arc<Entity>> {
        let state = self.state();
        let entities = state.entities(account, sort, after);
        Page::take(entities.filter(|entity| entity.path.starts_with(path_prefix)).cloned(), count_max)
    }

    pub async fn create(&self, account: &str, new: NewEntity) -> Result<Arc<Entity>, Error> {
        let account = account.to_owned();
        self.change(move |inner, state| {
            let entity = Arc::new(inner.entity(state, &account, new)?);
            Ok((vec![Edit::Entity(entity.clone())], entity))
        })
        .await
    }

    /// Makes one change to one entity. The change sees everything else as it is.
    pub(crate) async fn alter<C>(&self, account: &str, sort: Sort, name: &str, change: C) -> Result<Arc<Entity>, Error>
    where
        C: FnOnce(&State, &mut Entity) -> Result<(), Error> + Send + 'static,
    {
        let (account, name) = (account.to_owned(), name.to_owned());
        self.change(move |_, state| {
            let mut entity = Entity::clone(state.need(&account, sort, &name)?);
            change(state, &mut entity)?;
            let entity = Arc::new(entity);
            Ok((vec![Edit::Entity(entity.clone())], entity))
        })
        .await
    }

    /// Gives an entity another name or path, or both. Its id stays.
    pub async fn rename(
        &self,
        account: &str,
        sort: Sort,
        name: &str,
        new_name: Option<String>,
        new_path: Option<String>,
    ) -> Result<(), Error> {
        self.alter(account, sort, name, move |state, entity| {
            if let Some(path) = new_path {
                limit::path(&path)?;
                entity.path = path;
            }
            if let Some(name) = new_name {
                limit::entity_name(sort, &name)?;
                if let Some(other) = state.named(&entity.account, sort, &name)
                    && other.id != entity.id
                {
                    return Err(taken(sort, &name));
                }
                entity.name = name;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Deletes an entity on which nothing hangs any more.
    pub async fn delete(&self, account: &str, sort: Sort, name: &str) -> Result<(), Error> {
        let (account, name) = (account.to_owned(), name.to_owned());
        self.change(move |_, state| {
            let entity = state.need(&account, sort, &name)?.clone();
            state.check_unused(&entity)?;
            Ok((vec![Edit::EntityGone(entity)], ()))
        })
        .await
    }

    pub async fn tag(&self, account: &str, sort: Sort, name: &str, tags: Tags) -> Result<(), Error> {
        limit::tags(&tags)?;
        self.alter(account, sort, name, move |_, entity| {
            // Keys are one whatever their case.
            entity.tags.retain(|key, _| !tags.keys().any(|new| new.eq_ignore_ascii_case(key)));
            entity.tags.extend(tags);
            limit::tags(&entity.tags)
        })
        .await?;
        Ok(())
    }

    pub async fn untag(&self, account: &str, sort: Sort, name: &str, keys: Vec<String>) -> Result<(), Error> {
        self.alter(account, sort, name, move |_, entity| {
            entity.tags.retain(|key, _| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Says anew who may be a role.
    pub async fn set_trust(&self, account: &str, role: &str, text: &str) -> Result<(), Error> {
        let trust = trust(text)?;
        self.alter_role(account, role, move |role| {
            role.trust = trust;
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Changes what is given and leaves the rest.
    pub async fn describe_role(
        &self,
        account: &str,
        role: &str,
        description: Option<String>,
        session_seconds_max: Option<u32>,
    ) -> Result<Arc<Entity>, Error> {
        limit::description(description.as_deref())?;
        session_seconds_max.map_or(Ok(()), limit::session_seconds_max)?;
        self.alter_role(account, role, move |role| {
            role.description = description.or_else(|| role.description.take());
            role.session_seconds_max = session_seconds_max.unwrap_or(role.session_seconds_max);
            Ok(())
        })
        .await
    }

    async fn alter_role<C>(&self, account: &str, name: &str, change: C) -> Result<Arc<Entity>, Error>
    where
        C: FnOnce(&mut Assumable) -> Result<(), Error> + Send + 'static,
    {
        self.alter(account, Sort::Role, name, |_, entity| {
            let role = entity.role.as_mut();
            change(role.ok_or_else(|| Error::Corrupt(format!("role {} has no trust policy", entity.id)))?)
        })
        .await
    }

    /// Puts a user into a group; it may be there already.
    pub async fn join(&self, account: &str, user: &str, group: &str) -> Result<(), Error> {
        let group = group.to_owned();
        self.alter(account, Sort::User, user, move |state, entity| {
            let id = &state.need(&entity.account, Sort::Group, &group)?.id;
            if !entity.groups.contains(id) {
                limit::count("GroupsPerUser", entity.groups.len(), limit::GROUPS_MAX)?;
                entity.groups.insert(id.clone());
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Takes a user out of a group; it need not have been there.
    pub async fn leave(&self, account: &str, user: &str, group: &str) -> Result<(), Error> {
        let group = group.to_owned();
        self.alter(account, Sort::User, user, move |state, entity| {
            entity.groups.remove(&state.need(&entity.account, Sort::Group, &group)?.id);
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// The users in a group, in the order of their names.
    pub fn members(
        &self,
        account: &str,
        group: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Page<Arc<Entity>>, Error> {
        let state = self.state();
        let id = &state.need(account, Sort::Group, group)?.id;
        let users = state.entities(account, Sort::User, after);
        Ok(Page::take(users.filter(|user| user.groups.contains(id)).cloned(), count_max))
    }

    /// The groups that a user is in, in the order of their names.
    pub fn groups_of(
        &self,
        account: &str,
        user: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Page<Arc<Entity>>, Error> {
        let state = self.state();
        let user = state.need(account, Sort::User, user)?;
        let groups = state.entities(account, Sort::Group, after);
        Ok(Page::take(groups.filter(|group| user.groups.contains(&group.id)).cloned(), count_max))
    }
}

fn taken(sort: Sort, name: &str) -> Error {
    Error::Conflict(format!("{} with name {name} already exists", sort.word()))
}

impl Inner {
    /// A new entity, which nobody knows yet.
    pub(crate) fn entity(&self, state: &State, account: &str, new: NewEntity) -> Result<Entity, Error> {
        let NewEntity { sort, name, path, tags, role } = new;
        limit::entity_name(sort, &name)?;
        let path = path.unwrap_or_else(|| "/".to_owned());
        limit::path(&path)?;
        limit::tags(&tags)?;
        let role = role.map(NewRole::read).transpose()?;
        if state.named(account, sort, &name).is_some() {
            return Err(taken(sort, &name));
        }
        let quota = ["UsersPerAccount", "RolesPerAccount", "GroupsPerAccount"][sort as usize];
        limit::count(quota, state.entities(account, sort, None).count(), limit::entities_max(sort))?;
        Ok(Entity {
            sort,
            id: draw::id(&self.world, sort.id_prefix()),
            account: account.to_owned(),
            name,
            path,
            created: self.world.now().to_second(),
            tags,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            groups: BTreeSet::new(),
            role,
        })
    }
}

impl State {
    fn check_unused(&self, entity: &Entity) -> Result<(), Error> {
        let first = |what: &str| Err(Error::InUse(format!("cannot delete entity, must {what} first")));
        let owner = Owner::User(entity.id.clone());
        if self.keys_of(&entity.account, &owner).next().is_some() {
            return first("delete access keys");
        }
        if !entity.inline.is_empty() {
            return first("delete policies");
        }
        if !entity.attached.is_empty() {
            return first("detach all policies");
        }
        let mut users = self.entities(&entity.account, Sort::User, None);
        if !entity.groups.is_empty() || entity.sort == Sort::Group && users.any(|user| user.groups.contains(&entity.id))
        {
            return first("remove users from group");
        }
        Ok(())
    }
}
