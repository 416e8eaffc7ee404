//! Many rows at once into a table: `COPY`, in its binary form.

use std::pin::pin;

use bytes::Bytes;
use regcred_core::Result;
use tokio_postgres::CopyInSink;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::link::Link;
use crate::sql::Value;

impl Link {
    /// The types of the columns that a query gives.
    pub(super) fn types(&self, sql: &str) -> Result<Vec<Type>> {
        let statement = self.prepared(sql)?;
        let columns = statement.columns().iter();
        Ok(columns.map(|column| column.type_().clone()).collect())
    }

    /// Runs a `COPY ... FROM STDIN BINARY` with rows of these types. In a transaction, which an error leaves broken.
    pub(super) fn copy_in<'r, R>(
        &self,
        sql: &str,
        types: &[Type],
        rows: impl Iterator<Item = R>,
    ) -> Result<()>
    where
        R: ExactSizeIterator<Item = Value<'r>>,
    {
        self.wait(async {
            let sink: CopyInSink<Bytes> = self.client().copy_in(sql).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, types));
            for row in rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await.map(drop)
        })
    }
}
