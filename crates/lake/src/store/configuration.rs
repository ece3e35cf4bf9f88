//! Event configuration: how large events may be.
//!
//! No event is ever cut here, whatever its size, so a store of either size holds events whole. Context keys would
//! have to be added to events while they are recorded; nothing does that, so they are refused.

use super::Stores;
use super::manage::active;
use super::model::{EventSize, Scope, Store};
use crate::Error;
use cairn_pattern::selector::StoreKind;
use std::sync::Arc;

impl Stores {
    pub async fn set_event_size(
        &self,
        scope: Scope<'_>,
        reference: &str,
        size: EventSize,
    ) -> Result<Arc<Store>, Error> {
        let now = self.register.parts().world.now();
        self.modify(scope, reference, move |_, store| {
            active(store)?;
            if store.kind() != StoreKind::Trail {
                let message =
                    "Only stores of management, data and network activity events have an event configuration.";
                return Err(Error::refused("InvalidEventDataStoreCategory", message));
            }
            (store.event_size, store.updated) = (size, now);
            Ok(())
        })
        .await
    }
}
